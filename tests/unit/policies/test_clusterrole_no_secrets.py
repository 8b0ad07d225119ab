from __future__ import annotations

from policies.rules import clusterrole_no_secrets
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import CLUSTER_ROLE, ROLE, UNKNOWN, having


class TestClusterroleNoSecrets(Battery):
    rule = clusterrole_no_secrets.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
    good = (
        ROLE,
        {"rules": [{"resources": ["secrets"], "verbs": ["create"]}]},
    )
    bad = (
        (having(CLUSTER_ROLE, {"rules 0 resources": ["secrets"]}), "secrets of every namespace"),
        ({"rules": [{"resources": ["*"], "verbs": ["list"]}]}, "secrets of every namespace"),
        ({"rules": [{"resources": ["secrets"], "verbs": ["*"]}]}, "secrets of every namespace"),
    )
    unknown = ({"rules": UNKNOWN},)
    beside_unknown = (({"rules": [UNKNOWN, {"resources": ["secrets"], "verbs": ["watch"]}]}, "secrets"),)
