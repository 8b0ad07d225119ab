from __future__ import annotations

from policies.rules import argocd_default_role
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ARGOCD_RBAC, UNKNOWN, having


class TestArgocdDefaultRole(Battery):
    rule = argocd_default_role.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (
        having(ARGOCD_RBAC, {"data policy.default": ""}),
        having(ARGOCD_RBAC, {"data policy.default": "role:readonly"}),
        ARGOCD_RBAC,
    )
    bad = ((having(ARGOCD_RBAC, {"data policy.default": "role:admin"}), "role:admin"),)
    unknown = (having(ARGOCD_RBAC, {"data policy.default": UNKNOWN}),)
