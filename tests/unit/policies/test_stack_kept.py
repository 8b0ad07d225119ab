from __future__ import annotations

from policies.rules import stack_kept
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackKept(Battery):
    rule = stack_kept.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (STACK,)
    bad = ((having(STACK, {"spec destroyOnFinalize": True}), "destroys the stack"),)
    unknown = ({"spec": {"destroyOnFinalize": UNKNOWN}},)
