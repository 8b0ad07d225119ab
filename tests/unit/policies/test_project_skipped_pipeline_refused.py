from __future__ import annotations

from policies.rules import project_skipped_pipeline_refused
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectSkippedPipelineRefused(Battery):
    rule = project_skipped_pipeline_refused.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"allowMergeOnSkippedPipeline": False},
    )
    bad = ((having(PROJECT, {"allowMergeOnSkippedPipeline": True}), "is skipped"),)
    unknown = ({"allowMergeOnSkippedPipeline": UNKNOWN},)
