from __future__ import annotations

from policies.rules import binding_no_default_account
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BINDING, UNKNOWN, having


class TestBindingNoDefaultAccount(Battery):
    rule = binding_no_default_account.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
    good = (
        BINDING,
        {"subjects": [{"kind": "User", "name": "default"}]},
    )
    bad = ((having(BINDING, {"subjects 0 name": "default"}), "the default account"),)
    unknown = ({"subjects": UNKNOWN},)
    beside_unknown = (({"subjects": [UNKNOWN, {"kind": "ServiceAccount", "name": "default"}]}, "default account"),)
