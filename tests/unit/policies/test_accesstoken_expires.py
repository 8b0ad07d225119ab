from __future__ import annotations

from policies.rules import accesstoken_expires
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, TOKEN, UNKNOWN, having


class TestAccesstokenExpires(Battery):
    rule = accesstoken_expires.RULE
    resource_type = "gitlab:index/projectAccessToken:ProjectAccessToken"
    good = (
        TOKEN,
        {"expiresAt": "2026-12-31"},
        {"rotationConfiguration": {"expirationDays": 90, "rotateBeforeDays": 7}},
    )
    bad = (
        (having(TOKEN, {"expiresAt": ABSENT}), "does not expire"),
        ({"expiresAt": "2030-01-01"}, "2030-01-01; the limit is 365 days"),
        ({"expiresAt": "next year"}, "is no date"),
        ({"rotationConfiguration": {"expirationDays": 900}}, "900 days"),
        ({"rotationConfiguration": {}}, "0 days"),
    )
    unknown = (
        {"expiresAt": UNKNOWN},
        {"rotationConfiguration": UNKNOWN},
    )
