from __future__ import annotations

from policies.rules import hook_has_token
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, HOOK, UNKNOWN, having


class TestHookHasToken(Battery):
    rule = hook_has_token.RULE
    resource_type = "gitlab:index/projectHook:ProjectHook"
    good = (
        HOOK,
        {"signingToken": "canary-signing"},
    )
    bad = (
        (having(HOOK, {"token": ABSENT}), "it has no token"),
        ({"token": ""}, "it has no token"),
    )
    unknown = ({"token": UNKNOWN},)
