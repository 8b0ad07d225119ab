from __future__ import annotations

from policies.rules import project_variables_guarded
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectVariablesGuarded(Battery):
    rule = project_variables_guarded.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"ciPipelineVariablesMinimumOverrideRole": "maintainer"},
    )
    bad = ((having(PROJECT, {"ciPipelineVariablesMinimumOverrideRole": "developer"}), "developers may override"),)
    unknown = ({"ciPipelineVariablesMinimumOverrideRole": UNKNOWN},)
