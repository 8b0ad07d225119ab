from __future__ import annotations

from policies.rules import binding_no_cluster_admin
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BINDING, UNKNOWN, having


class TestBindingNoClusterAdmin(Battery):
    rule = binding_no_cluster_admin.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
    good = (BINDING,)
    bad = ((having(BINDING, {"roleRef name": "cluster-admin"}), "grants cluster-admin"),)
    unknown = ({"roleRef": {"name": UNKNOWN}},)
