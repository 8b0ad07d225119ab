from __future__ import annotations

from policies.rules import agent_few_tokens
from tests.unit.policies.stack_battery import Declared, StackBattery, without


def _tokens(number: int, agent: str = "agent") -> tuple[Declared, ...]:
    token = "gitlab:index/clusterAgentToken:ClusterAgentToken"
    return (
        Declared(token="gitlab:index/clusterAgent:ClusterAgent", name="other", props={}),
        *(Declared(token=token, name=f"token-{each}", props={}, uses={"agentId": [agent]}) for each in range(number)),
    )


class TestAgentFewTokens(StackBattery):
    rule = agent_few_tokens.RULE
    good = (without(instead=_tokens(2)), without(instead=_tokens(2, "other")))
    bad = ((without(instead=_tokens(3)), "agent", "it has 3 tokens"),)
