from __future__ import annotations

from policies.rules import configmap_no_secret
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import CONFIG, UNKNOWN, having


class TestConfigmapNoSecret(Battery):
    rule = configmap_no_secret.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (CONFIG,)
    bad = (
        (having(CONFIG, {"data": {"config.yaml": "token: glpat-canarycanary"}}), "config.yaml contains a GitLab token"),
        (having(CONFIG, {"data": {"id": "-----BEGIN OPENSSH PRIVATE KEY-----"}}), "a private key"),
    )
    unknown = (
        {"data": UNKNOWN},
        {"data": {"a": UNKNOWN}},
    )
    beside_unknown = (({"data": {"a": UNKNOWN, "b": "glpat-canarycanary"}}, "b contains"),)
