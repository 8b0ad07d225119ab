from __future__ import annotations

from dataclasses import replace

from policies.rules import data_protected
from tests.unit.policies.stack_battery import GROUP, PROJECT, StackBattery, without


class TestDataProtected(StackBattery):
    rule = data_protected.RULE
    bad = (
        (without(PROJECT, instead=(replace(PROJECT, protect=False),)), "project", "an update can delete it"),
        (without(GROUP, instead=(replace(GROUP, protect=False),)), "group", "an update can delete it"),
    )
