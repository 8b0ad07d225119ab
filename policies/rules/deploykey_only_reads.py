"""A deploy key only reads."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import deploy_key_only_reads
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-deploykey-only-reads",
    invariant=deploy_key_only_reads,
    kinds=frozenset(["gitlab/DeployKey", "gitlab/DeployKeyEnable"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
