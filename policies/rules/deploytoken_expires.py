"""A deploy token ends within a year."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import deploy_token_expires
from policies.levels import ADVICE
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-deploytoken-expires",
    invariant=deploy_token_expires,
    kinds=frozenset(["gitlab/ProjectDeployToken", "gitlab/GroupDeployToken", "gitlab/DeployToken"]),
    read=lambda part, here: (part.value, here.today, here.settings["maximumDays"]),
    settings={"maximumDays": {"type": "integer", "minimum": 1, "maximum": 365, "default": 365}},
    severity=Severity.MEDIUM,
    levels=ADVICE,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-6"),
    ),
)
