"""A deploy token only reads."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import deploy_token_only_reads
from policies.parts import each
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-deploytoken-only-reads",
    invariant=deploy_token_only_reads,
    kinds=frozenset(["gitlab/ProjectDeployToken", "gitlab/GroupDeployToken", "gitlab/DeployToken"]),
    parts=each("scopes"),
    severity=Severity.HIGH,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
