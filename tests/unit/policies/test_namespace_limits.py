from __future__ import annotations

from policies.rules import namespace_limits
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import LIMITS, NAMESPACE, StackBattery, changed, without


class TestNamespaceLimits(StackBattery):
    rule = namespace_limits.RULE
    bad = (
        (without(LIMITS), "namespace", "no limit range"),
        (
            without(LIMITS, instead=(changed(LIMITS, {"metadata namespace": "elsewhere"}),)),
            "namespace",
            "no limit range",
        ),
    )
    unknown = (without(LIMITS, instead=(changed(LIMITS, {"metadata namespace": UNKNOWN}),)),)
    beside_unknown = (
        (
            (
                changed(NAMESPACE, {"metadata name": UNKNOWN}, "new"),
                LIMITS,
                changed(NAMESPACE, {"metadata name": "bare"}, "bare"),
            ),
            "bare",
        ),
    )
