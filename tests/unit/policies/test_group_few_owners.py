from __future__ import annotations

from policies.rules import group_few_owners
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import Declared, StackBattery, reports, without


def _members(level: str, number: int) -> tuple[Declared, ...]:
    token = "gitlab:index/groupMembership:GroupMembership"
    return tuple(
        Declared(token=token, name=f"member-{each}", props={"accessLevel": level}, uses={"groupId": ["group"]})
        for each in range(number)
    )


class TestGroupFewOwners(StackBattery):
    rule = group_few_owners.RULE
    good = (without(instead=_members("owner", 4)), without(instead=_members("maintainer", 9)))
    bad = ((without(instead=_members("owner", 5)), "group", "5 owners; the limit is 4"),)
    unknown = (without(instead=_members(UNKNOWN, 1)),)

    def test_a_site_lowers_the_limit(self) -> None:
        assert reports(self.rule, without(instead=_members("owner", 3)), {"maximumOwners": 2})
