from __future__ import annotations

from policies.rules import oauth_modest
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import OAUTH, UNKNOWN, having


class TestOauthModest(Battery):
    rule = oauth_modest.RULE
    resource_type = "gitlab:index/application:Application"
    good = (OAUTH,)
    bad = ((having(OAUTH, {"scopes": ["openid", "api"]}), "'api'"),)
    unknown = ({"scopes": UNKNOWN},)
    beside_unknown = (({"scopes": [UNKNOWN, "sudo"]}, "'sudo'"),)
