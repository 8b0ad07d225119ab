from __future__ import annotations

from policies.rules import application_not_emptied
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationNotEmptied(Battery):
    rule = application_not_emptied.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (
        APPLICATION,
        {},
    )
    bad = ((having(APPLICATION, {"spec syncPolicy automated allowEmpty": True}), "may be emptied"),)
    unknown = ({"spec": {"syncPolicy": {"automated": {"allowEmpty": UNKNOWN}}}},)
