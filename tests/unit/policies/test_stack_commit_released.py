from __future__ import annotations

from policies.rules import stack_commit_released
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackCommitReleased(Battery):
    rule = stack_commit_released.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (STACK,)
    bad = ((having(STACK, {"spec commit": 40 * "a"}), "its own commit"),)
    unknown = ({"spec": {"commit": UNKNOWN}},)
