from __future__ import annotations

from policies.rules import namespace_default_deny
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import NAMESPACE, POLICY, StackBattery, changed, without


class TestNamespaceDefaultDeny(StackBattery):
    rule = namespace_default_deny.RULE
    bad = (
        (without(POLICY), "namespace", "no network policy denies"),
        (
            without(POLICY, instead=(changed(POLICY, {"spec ingress": [{"from": [{"podSelector": {}}]}]}),)),
            "namespace",
            "no",
        ),
        (without(POLICY, instead=(changed(POLICY, {"spec egress": [{"ports": [{"port": 53}]}]}),)), "namespace", "no"),
        (without(POLICY, instead=(changed(POLICY, {"spec policyTypes": ["Ingress"]}),)), "namespace", "no"),
        (
            without(POLICY, instead=(changed(POLICY, {"spec podSelector": {"matchLabels": {"a": "b"}}}),)),
            "namespace",
            "no",
        ),
        (without(POLICY, instead=(changed(POLICY, {"metadata namespace": "elsewhere"}),)), "namespace", "no"),
    )
    unknown = (
        without(POLICY, instead=(changed(POLICY, {"spec": UNKNOWN}),)),
        without(POLICY, instead=(changed(POLICY, {"metadata namespace": UNKNOWN}),)),
    )
    beside_unknown = (
        (
            (
                changed(NAMESPACE, {"metadata name": UNKNOWN}, "new"),
                POLICY,
                changed(NAMESPACE, {"metadata name": "bare"}, "bare"),
            ),
            "bare",
        ),
    )
