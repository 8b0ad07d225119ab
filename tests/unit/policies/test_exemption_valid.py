from __future__ import annotations

from policies.rules import exemption_valid
from tests.unit.policies.exemption_samples import exemption, with_exemptions
from tests.unit.policies.stack_battery import StackBattery


class TestExemptionValid(StackBattery):
    rule = exemption_valid.RULE
    here = with_exemptions(exemption(reason=None))
    good_here = with_exemptions(exemption(), exemption(stack="prod"))
    bad = (((), None, "it has no reason"),)
