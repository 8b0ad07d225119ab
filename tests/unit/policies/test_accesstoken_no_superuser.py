from __future__ import annotations

from policies.rules import accesstoken_no_superuser
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import TOKEN, UNKNOWN, having


class TestAccesstokenNoSuperuser(Battery):
    rule = accesstoken_no_superuser.RULE
    resource_type = "gitlab:index/projectAccessToken:ProjectAccessToken"
    good = (TOKEN,)
    bad = (
        (having(TOKEN, {"scopes": ["api", "sudo"]}), "'sudo'"),
        ({"scopes": ["admin_mode"]}, "'admin_mode'"),
    )
    unknown = ({"scopes": UNKNOWN},)
    beside_unknown = (({"scopes": [UNKNOWN, "sudo"]}, "'sudo'"),)
