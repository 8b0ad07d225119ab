from __future__ import annotations

from policies.rules import container_no_host_port
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, with_container


class TestContainerNoHostPort(Battery):
    rule = container_no_host_port.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_container({"ports": [{"containerPort": 8080}]}),
    )
    bad = ((with_container({"ports": [{"containerPort": 8080, "hostPort": 80}]}), "takes port 80"),)
    unknown = (with_container({"ports": [{"hostPort": UNKNOWN}]}),)
