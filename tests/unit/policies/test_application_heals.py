from __future__ import annotations

from policies.rules import application_heals
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, APPLICATION, UNKNOWN, having


class TestApplicationHeals(Battery):
    rule = application_heals.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (APPLICATION,)
    bad = (
        (having(APPLICATION, {"spec syncPolicy automated selfHeal": False}), "does not heal"),
        (having(APPLICATION, {"spec syncPolicy automated": ABSENT}), "does not sync by itself"),
    )
    unknown = ({"spec": {"syncPolicy": {"automated": {"selfHeal": UNKNOWN}}}},)
