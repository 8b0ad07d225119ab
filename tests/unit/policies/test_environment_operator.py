from __future__ import annotations

from policies.rules import environment_operator
from tests.unit.policies.stack_battery import STACK, StackBattery, without


class TestEnvironmentOperator(StackBattery):
    rule = environment_operator.RULE
    bad = ((without(STACK), None, "no Stack object"),)
