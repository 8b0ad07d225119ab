"""The rules of the pack, in the order in which they run."""

from __future__ import annotations

from typing import Final

from pulumi_policy import ResourceValidationPolicy

from policies.rules import (
    appproject_exact,
    branchprotection_no_force_push,
    gitlab_visibility_limited,
    namespace_pod_security,
)

__all__ = ["NAME", "RULES"]

NAME: Final = "bighpc"

RULES: Final[tuple[ResourceValidationPolicy, ...]] = (
    appproject_exact.RULE,
    branchprotection_no_force_push.RULE,
    gitlab_visibility_limited.RULE,
    namespace_pod_security.RULE,
)
