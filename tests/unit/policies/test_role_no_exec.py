from __future__ import annotations

from policies.rules import role_no_exec
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ROLE, UNKNOWN, having


class TestRoleNoExec(Battery):
    rule = role_no_exec.RULE
    resource_type = "kubernetes:rbac.authorization.k8s.io/v1:Role"
    good = (ROLE,)
    bad = ((having(ROLE, {"rules 0 resources": ["pods/exec"]}), "grants pods/exec"),)
    unknown = ({"rules": UNKNOWN},)
    beside_unknown = (({"rules": [UNKNOWN, {"resources": ["nodes/proxy"]}]}, "nodes/proxy"),)
