from __future__ import annotations

from policies.rules import project_pipeline_reviewed
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectPipelineReviewed(Battery):
    rule = project_pipeline_reviewed.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"ciConfigPath": ".gitlab-ci.yml"},
        {"ciConfigPath": "ci.yml@bighpc/templates"},
    )
    bad = ((having(PROJECT, {"ciConfigPath": "https://example.org/ci.yml"}), "a web page"),)
    unknown = ({"ciConfigPath": UNKNOWN},)
