from __future__ import annotations

from policies.rules import exemption_listed
from tests.unit.policies.exemption_samples import exemption, with_exemptions
from tests.unit.policies.stack_battery import StackBattery


class TestExemptionListed(StackBattery):
    rule = exemption_listed.RULE
    here = with_exemptions(exemption(), exemption(stack="prod"))
    good_here = with_exemptions(exemption(stack="prod"))
    bad = (((), None, "until 2027-03-31: The site's balancer reaches nodes alone until it is replaced. (platform)"),)
