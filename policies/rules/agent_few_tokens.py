"""An agent has at most two tokens."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import agent_has_few_tokens
from policies.sources import GITLAB_TOKENS, OWASP
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-agent-few-tokens",
    invariant=agent_has_few_tokens,
    subjects=of_kind("gitlab/ClusterAgent"),
    kinds=frozenset(["gitlab/ClusterAgent", "gitlab/ClusterAgentToken"]),
    severity=Severity.MEDIUM,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-6"),
    ),
)
