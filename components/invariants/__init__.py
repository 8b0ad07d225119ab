"""What must never be deployed, as predicates that constructors and policies share.

Each returns the violations that it found. A constructor raises them, so even an ungated ``pulumi up`` refuses them; a
policy reports them, so a merge request shows them. They are pure functions over plain data: values of Python, or
mappings with the names of the provider's schema.
"""

from components.invariants.cluster import namespace_enforces_pod_security
from components.invariants.delivery import app_project_is_exact
from components.invariants.forge import branch_refuses_force_push, visibility_is_limited
from components.invariants.violation import Invariant, InvariantError, Violation, require

__all__ = [
    "Invariant",
    "InvariantError",
    "Violation",
    "app_project_is_exact",
    "branch_refuses_force_push",
    "namespace_enforces_pod_security",
    "require",
    "visibility_is_limited",
]
