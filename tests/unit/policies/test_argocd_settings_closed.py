from __future__ import annotations

from policies.rules import argocd_settings_closed
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ARGOCD_CONFIG, CONFIG, UNKNOWN, having


class TestArgocdSettingsClosed(Battery):
    rule = argocd_settings_closed.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (
        having(ARGOCD_CONFIG, {"data admin.enabled": "false", "data exec.enabled": False}),
        having(CONFIG, {"data admin.enabled": "true"}),
    )
    bad = (
        (having(ARGOCD_CONFIG, {"data admin.enabled": "true"}), "admin.enabled is true"),
        (having(ARGOCD_CONFIG, {"data users.anonymous.enabled": "true"}), "users.anonymous.enabled"),
        (having(ARGOCD_CONFIG, {"data exec.enabled": "true"}), "exec.enabled"),
    )
    unknown = (
        having(ARGOCD_CONFIG, {"data exec.enabled": UNKNOWN}),
        having(ARGOCD_CONFIG, {"metadata name": UNKNOWN, "data exec.enabled": "true"}),
    )
    beside_unknown = ((having(ARGOCD_CONFIG, {"data a": UNKNOWN, "data exec.enabled": "true"}), "exec.enabled"),)
