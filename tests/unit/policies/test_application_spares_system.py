from __future__ import annotations

from policies.rules import application_spares_system
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, APPLICATION, UNKNOWN, having


class TestApplicationSparesSystem(Battery):
    rule = application_spares_system.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (APPLICATION,)
    bad = (
        (having(APPLICATION, {"spec destination namespace": "argocd"}), "'argocd'"),
        (having(APPLICATION, {"spec destination namespace": ABSENT}), "no destination namespace"),
    )
    unknown = ({"spec": {"destination": {"namespace": UNKNOWN}}},)
