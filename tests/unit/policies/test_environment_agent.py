from __future__ import annotations

from policies.rules import environment_agent
from tests.unit.policies.stack_battery import AGENT, StackBattery, without


class TestEnvironmentAgent(StackBattery):
    rule = environment_agent.RULE
    bad = ((without(AGENT), None, "no agent connects"),)
