from __future__ import annotations

from policies.rules import release_by_argocd
from tests.unit.policies.battery import Battery


class TestReleaseByArgocd(Battery):
    rule = release_by_argocd.RULE
    resource_type = "kubernetes:helm.sh/v3:Release"
    bad = (({"chart": "jupyterhub"}, "installs a chart"),)
