from __future__ import annotations

from policies.rules import group_projects_by_maintainers
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import GROUP, UNKNOWN, having


class TestGroupProjectsByMaintainers(Battery):
    rule = group_projects_by_maintainers.RULE
    resource_type = "gitlab:index/group:Group"
    good = (
        GROUP,
        {"projectCreationLevel": "maintainer"},
    )
    bad = ((having(GROUP, {"projectCreationLevel": "developer"}), "developers may create"),)
    unknown = ({"projectCreationLevel": UNKNOWN},)
