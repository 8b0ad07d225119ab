from __future__ import annotations

from policies.rules import project_merge_needs_discussions
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectMergeNeedsDiscussions(Battery):
    rule = project_merge_needs_discussions.RULE
    resource_type = "gitlab:index/project:Project"
    good = (PROJECT, {"mergeRequestsAccessLevel": "disabled"})
    bad = (
        (having(PROJECT, {"onlyAllowMergeIfAllDiscussionsAreResolved": False}), "open discussions"),
        ({}, "open discussions"),
    )
    unknown = ({"onlyAllowMergeIfAllDiscussionsAreResolved": UNKNOWN},)
