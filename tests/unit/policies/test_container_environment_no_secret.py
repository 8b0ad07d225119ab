from __future__ import annotations

from policies.rules import container_environment_no_secret
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, with_container


class TestContainerEnvironmentNoSecret(Battery):
    rule = container_environment_no_secret.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_container(
            {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}
        ),
        with_container({"env": [{"name": "LEVEL", "value": "debug"}]}),
    )
    bad = ((with_container({"env": [{"name": "DB_PASSWORD", "value": "canary-password"}]}), "DB_PASSWORD is written"),)
    unknown = (with_container({"env": [{"name": "DB_PASSWORD", "value": UNKNOWN}]}),)
