"""Only maintainers make release tags."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import tag_is_made_by_maintainers
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-tagprotection-create-limited",
    invariant=tag_is_made_by_maintainers,
    kinds=frozenset(["gitlab/TagProtection"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HARDENING,
        SLSA,
        OWASP.at("CICD-SEC-9"),
    ),
)
