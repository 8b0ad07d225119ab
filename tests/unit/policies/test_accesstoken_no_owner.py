from __future__ import annotations

from policies.rules import accesstoken_no_owner
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import TOKEN, UNKNOWN, having


class TestAccesstokenNoOwner(Battery):
    rule = accesstoken_no_owner.RULE
    resource_type = "gitlab:index/projectAccessToken:ProjectAccessToken"
    good = (
        TOKEN,
        {},
    )
    bad = ((having(TOKEN, {"accessLevel": "owner"}), "its role is owner"),)
    unknown = ({"accessLevel": UNKNOWN},)
