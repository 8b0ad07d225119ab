from __future__ import annotations

from policies.rules import hook_own_token
from tests.unit.policies.samples import ABSENT, UNKNOWN
from tests.unit.policies.stack_battery import HOOK, StackBattery, changed, without


class TestHookOwnToken(StackBattery):
    rule = hook_own_token.RULE
    good = (
        without(instead=(changed(HOOK, {"token": "canary-other"}, "second"),)),
        without(HOOK, instead=(changed(HOOK, {"token": ABSENT}), changed(HOOK, {"token": ABSENT}, "second"))),
    )
    bad = ((without(instead=(changed(HOOK, {}, "second"),)), "hook", "it shares its token with second"),)
    unknown = (without(instead=(changed(HOOK, {"token": UNKNOWN}, "second"),)),)
