from __future__ import annotations

from policies.rules import user_no_administrator
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestUserNoAdministrator(Battery):
    rule = user_no_administrator.RULE
    resource_type = "gitlab:index/user:User"
    good = (
        {"isAdmin": False},
        {},
    )
    bad = (
        (
            {"email": "a@example.org", "username": "a", "isAdmin": True, "password": "canary-password"},
            "an administrator",
        ),
    )
    unknown = ({"isAdmin": UNKNOWN},)
