from __future__ import annotations

from policies.rules import name_unique
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import QUOTA, StackBattery, changed, without


class TestNameUnique(StackBattery):
    rule = name_unique.RULE
    good = (without(instead=(changed(QUOTA, {"metadata namespace": "elsewhere"}, "second"),)),)
    bad = ((without(instead=(changed(QUOTA, {}, "second"),)), "quota", "second is 'subject' in bighpc-dev too"),)
    unknown = (without(instead=(changed(QUOTA, {"metadata name": UNKNOWN}, "second"),)),)
