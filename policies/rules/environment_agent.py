"""Every environment has a GitLab agent."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import environment_has_an_agent
from policies.levels import EVERYWHERE
from policies.sources import OWASP, Source
from policies.stack_rule import StackRule, stack_itself

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-environment-agent",
    invariant=environment_has_an_agent,
    subjects=stack_itself,
    kinds=frozenset(["core/Namespace", "gitlab/ClusterAgent"]),
    severity=Severity.MEDIUM,
    levels=EVERYWHERE,
    sources=(
        Source("GitLab agent for Kubernetes", "https://docs.gitlab.com/user/clusters/agent/"),
        OWASP.at("CICD-SEC-6"),
    ),
)
