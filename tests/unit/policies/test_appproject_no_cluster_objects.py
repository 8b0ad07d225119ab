from __future__ import annotations

from policies.rules import appproject_no_cluster_objects
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APP_PROJECT, UNKNOWN, having


class TestAppprojectNoClusterObjects(Battery):
    rule = appproject_no_cluster_objects.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:AppProject"
    good = (
        APP_PROJECT,
        {"spec": {}},
    )
    bad = (
        (having(APP_PROJECT, {"spec clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}), "may make * of '*'"),
    )
    unknown = ({"spec": {"clusterResourceWhitelist": UNKNOWN}},)
    beside_unknown = (({"spec": {"clusterResourceWhitelist": [UNKNOWN, {"group": "", "kind": "Node"}]}}, "Node"),)
