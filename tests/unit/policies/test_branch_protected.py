from __future__ import annotations

from dataclasses import replace

from policies.rules import branch_protected
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import BRANCH, PROTECTION, StackBattery, changed, without


class TestBranchProtected(StackBattery):
    rule = branch_protected.RULE
    good = (
        (
            replace(BRANCH, uses={}, props={"project": "7", "name": "dev"}),
            replace(PROTECTION, uses={}, props={"project": "7", "branch": "dev"}),
        ),
    )
    bad = (
        (without(BRANCH, instead=(changed(BRANCH, {"name": "dev"}),)), "branch", "it is not protected"),
        (without(PROTECTION), "branch", "it is not protected"),
        (
            (
                replace(BRANCH, uses={}, props={"project": "7", "name": "dev"}),
                replace(PROTECTION, uses={}, props={"project": "8", "branch": "dev"}),
            ),
            "branch",
            "it is not protected",
        ),
    )
    unknown = (without(PROTECTION, instead=(changed(PROTECTION, {"branch": UNKNOWN}),)),)
    beside_unknown = (
        (
            without(instead=(changed(BRANCH, {"name": UNKNOWN}, "new"), changed(BRANCH, {"name": "bare"}, "bare"))),
            "bare",
        ),
    )
