from __future__ import annotations

from policies.rules import application_in_project
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationInProject(Battery):
    rule = application_in_project.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (APPLICATION,)
    bad = (
        (having(APPLICATION, {"spec project": "default"}), "'default'"),
        ({}, "'default'"),
    )
    unknown = ({"spec": {"project": UNKNOWN}},)
