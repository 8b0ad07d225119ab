from __future__ import annotations

from policies.rules import stack_waits
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackWaits(Battery):
    rule = stack_waits.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (STACK,)
    bad = ((having(STACK, {"spec retryOnUpdateConflict": True}), "somebody else's update"),)
    unknown = ({"spec": {"retryOnUpdateConflict": UNKNOWN}},)
