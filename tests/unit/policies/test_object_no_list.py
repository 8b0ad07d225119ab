from __future__ import annotations

from policies.rules import object_no_list
from tests.unit.policies.battery import Battery


class TestObjectNoList(Battery):
    rule = object_no_list.RULE
    resource_type = "kubernetes:apps/v1:DeploymentList"
    bad = (({"items": []}, "a list of objects"),)
