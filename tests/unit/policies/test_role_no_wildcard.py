from __future__ import annotations

from policies.rules import role_no_wildcard
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ROLE, UNKNOWN, having


class TestRoleNoWildcard(Battery):
    rule = role_no_wildcard.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:Role"
    good = (ROLE,)
    bad = (
        (having(ROLE, {"rules 0 verbs": ["*"]}), "verbs has a wildcard"),
        (having(ROLE, {"rules 0 resources": ["pods/*"]}), "resources has a wildcard"),
        (having(ROLE, {"rules 0 apiGroups": ["*"]}), "apiGroups has a wildcard"),
        (having(ROLE, {"rules 0 nonResourceURLs": ["*"]}), "nonResourceURLs has a wildcard"),
    )
    unknown = ({"rules": UNKNOWN},)
    beside_unknown = (({"rules": [UNKNOWN, {"verbs": ["*"]}]}, "verbs has a wildcard"),)
