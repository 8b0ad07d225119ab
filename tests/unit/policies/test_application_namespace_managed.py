from __future__ import annotations

from policies.rules import application_namespace_managed
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import APPLICATION, NAMESPACE, StackBattery, changed, without


class TestApplicationNamespaceManaged(StackBattery):
    rule = application_namespace_managed.RULE
    good = (without(APPLICATION, instead=(changed(APPLICATION, {"spec destination namespace": "kube-system"}),)),)
    bad = (
        (without(NAMESPACE), "application", "'bighpc-dev' is not part of the stack"),
        (
            without(APPLICATION, instead=(changed(APPLICATION, {"spec destination namespace": "elsewhere"}),)),
            "application",
            "'elsewhere' is not part of the stack",
        ),
    )
    unknown = (
        without(APPLICATION, instead=(changed(APPLICATION, {"spec destination namespace": UNKNOWN}),)),
        without(NAMESPACE, instead=(changed(NAMESPACE, {"metadata name": UNKNOWN}),)),
    )
