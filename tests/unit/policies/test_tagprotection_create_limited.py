from __future__ import annotations

from policies.rules import tagprotection_create_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import TAG_PROTECTION, UNKNOWN, having


class TestTagprotectionCreateLimited(Battery):
    rule = tagprotection_create_limited.RULE
    resource_type = "gitlab:index/tagProtection:TagProtection"
    good = (
        TAG_PROTECTION,
        {"createAccessLevel": "no one"},
    )
    bad = (
        (having(TAG_PROTECTION, {"createAccessLevel": "developer"}), "'developer' may create"),
        ({"allowedToCreates": [{"accessLevel": "developer"}]}, "'developer' may create"),
    )
    unknown = ({"createAccessLevel": UNKNOWN},)
