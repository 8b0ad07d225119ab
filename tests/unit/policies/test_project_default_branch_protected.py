from __future__ import annotations

from dataclasses import replace

from policies.rules import project_default_branch_protected
from tests.unit.policies.samples import ABSENT, UNKNOWN
from tests.unit.policies.stack_battery import PROJECT, PROTECTION, StackBattery, changed, without


class TestProjectDefaultBranchProtected(StackBattery):
    rule = project_default_branch_protected.RULE
    good = (
        without(PROTECTION, instead=(changed(PROTECTION, {"branch": "m*"}),)),
        without(PROJECT, instead=(changed(PROJECT, {"defaultBranch": ABSENT}),)),
        without(PROJECT, instead=(changed(PROJECT, {"defaultBranch": "trunk", "emptyRepo": True}),)),
    )
    bad = (
        (
            without(PROJECT, instead=(changed(PROJECT, {"defaultBranch": "trunk", "emptyRepo": False}),)),
            "project",
            "'trunk' is not protected",
        ),
        (
            without(PROJECT, instead=(changed(PROJECT, {"defaultBranch": "trunk"}),)),
            "project",
            "'trunk' is not protected",
        ),
        (without(PROTECTION), "project", "'main' is not protected"),
        ((changed(PROJECT, {"defaultBranch": ABSENT}),), "project", "no protected branch"),
        (
            without(PROTECTION, instead=(changed(PROTECTION, {"branch": "other"}),)),
            "project",
            "'main' is not protected",
        ),
        (without(PROTECTION, instead=(replace(PROTECTION, uses={}),)), "project", "'main' is not protected"),
    )
    unknown = (
        without(PROJECT, instead=(changed(PROJECT, {"defaultBranch": UNKNOWN}),)),
        without(PROTECTION, instead=(changed(PROTECTION, {"branch": UNKNOWN}),)),
    )
    beside_unknown = (
        ((changed(PROJECT, {"defaultBranch": UNKNOWN}), PROTECTION, changed(PROJECT, {}, "bare")), "bare"),
    )
