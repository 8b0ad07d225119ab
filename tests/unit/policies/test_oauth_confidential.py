from __future__ import annotations

from policies.rules import oauth_confidential
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import OAUTH, UNKNOWN, having


class TestOauthConfidential(Battery):
    rule = oauth_confidential.RULE
    resource_type = "gitlab:index/application:Application"
    good = (OAUTH,)
    bad = ((having(OAUTH, {"confidential": False}), "a public client"),)
    unknown = ({"confidential": UNKNOWN},)
