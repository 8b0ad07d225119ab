from __future__ import annotations

from policies.rules import jobtokenscope_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestJobtokenscopeLimited(Battery):
    rule = jobtokenscope_limited.RULE
    resource_type = "gitlab:index/projectJobTokenScopes:ProjectJobTokenScopes"
    good = (
        {"enabled": True},
        {"project": "7"},
    )
    bad = (({"project": "7", "enabled": False}, "jobs of every project"),)
    unknown = ({"enabled": UNKNOWN},)
