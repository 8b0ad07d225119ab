from __future__ import annotations

from policies.rules import application_retries_end
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationRetriesEnd(Battery):
    rule = application_retries_end.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (
        APPLICATION,
        {},
        having(APPLICATION, {"spec syncPolicy retry limit": 0}),
    )
    bad = ((having(APPLICATION, {"spec syncPolicy retry limit": -1}), "for ever"),)
    unknown = ({"spec": {"syncPolicy": {"retry": {"limit": UNKNOWN}}}},)
