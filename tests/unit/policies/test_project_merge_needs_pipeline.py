from __future__ import annotations

from policies.rules import project_merge_needs_pipeline
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectMergeNeedsPipeline(Battery):
    rule = project_merge_needs_pipeline.RULE
    resource_type = "gitlab:index/project:Project"
    good = (PROJECT, {"mergeRequestsAccessLevel": "disabled"})
    bad = (
        (having(PROJECT, {"onlyAllowMergeIfPipelineSucceeds": False}), "without a successful pipeline"),
        ({}, "without a successful pipeline"),
    )
    unknown = ({"onlyAllowMergeIfPipelineSucceeds": UNKNOWN},)
