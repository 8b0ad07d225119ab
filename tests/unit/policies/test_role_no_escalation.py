from __future__ import annotations

from policies.rules import role_no_escalation
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ROLE, UNKNOWN, having


class TestRoleNoEscalation(Battery):
    rule = role_no_escalation.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:Role"
    good = (ROLE,)
    bad = (
        (having(ROLE, {"rules 0 verbs": ["get", "impersonate"]}), "'impersonate'"),
        (having(ROLE, {"rules 0 verbs": ["bind"]}), "'bind'"),
        (having(ROLE, {"rules 0 verbs": ["escalate"]}), "'escalate'"),
    )
    unknown = ({"rules": UNKNOWN},)
    beside_unknown = (({"rules": [UNKNOWN, {"verbs": ["bind"]}]}, "'bind'"),)
