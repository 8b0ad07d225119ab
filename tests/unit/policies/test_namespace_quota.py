from __future__ import annotations

from policies.rules import namespace_quota
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import NAMESPACE, QUOTA, StackBattery, changed, without


class TestNamespaceQuota(StackBattery):
    rule = namespace_quota.RULE
    bad = (
        (without(QUOTA), "namespace", "no quota"),
        (without(QUOTA, instead=(changed(QUOTA, {"metadata namespace": "elsewhere"}),)), "namespace", "no quota"),
        (
            without(QUOTA, instead=(changed(QUOTA, {"spec hard": {"requests.storage": "1Ti"}}),)),
            "namespace",
            "no quota of pods",
        ),
    )
    unknown = (without(QUOTA, instead=(changed(QUOTA, {"metadata namespace": UNKNOWN}),)),)
    beside_unknown = (
        (
            (
                changed(NAMESPACE, {"metadata name": UNKNOWN}, "new"),
                QUOTA,
                changed(NAMESPACE, {"metadata name": "bare"}, "bare"),
            ),
            "bare",
        ),
    )
