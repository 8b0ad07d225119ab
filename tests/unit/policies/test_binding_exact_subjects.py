from __future__ import annotations

from policies.rules import binding_exact_subjects
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BINDING, UNKNOWN, having


class TestBindingExactSubjects(Battery):
    rule = binding_exact_subjects.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
    good = (BINDING,)
    bad = (
        (having(BINDING, {"subjects 0": {"kind": "Group", "name": "system:authenticated"}}), "system:authenticated"),
        (
            having(BINDING, {"subjects 0": {"kind": "Group", "name": "system:serviceaccounts:dev"}}),
            "system:serviceaccounts:dev",
        ),
    )
    unknown = ({"subjects": UNKNOWN},)
    beside_unknown = (({"subjects": [UNKNOWN, {"name": "system:masters"}]}, "system:masters"),)
