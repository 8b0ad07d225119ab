"""How browsers reach user interfaces that run in pods, and how these reach GitLab, where a site has an ingress."""

from __future__ import annotations

import importlib.metadata
import sys

from testbed.cluster.objects import GATEWAY_USER, HUB_SERVICE
from testbed.context import GITLAB_HOST, Context
from testbed.probes import http_probe
from testbed.processes import Kind, Process
from testbed.stacks import ORDER

__all__ = ["gateway", "hub_host"]

_NAME = "gateway"
_HUB = f"jupyterhub/{HUB_SERVICE}:8000"


def hub_host(environment: str) -> str:
    """Return the name of the host that an environment's JupyterHub has; browsers know that it is this machine.

    A name for each: cookies do not tell ports apart.
    """
    return f"jupyterhub.{environment}.localhost"


def gateway(context: Context) -> list[Process]:
    """What carries their connections; nothing without a real node, as no pod runs that could answer."""
    if not context.real_node:
        return []
    address, gitlab = f"127.0.0.1:{context.ports[_NAME]}", context.ports["gitlab"]
    kubeconfig = context.kubeconfig(_NAME, user=GATEWAY_USER)
    return [
        Process(
            name=_NAME,
            kind=Kind.DOUBLE,
            version=importlib.metadata.version("bighpc"),
            command=(
                *(sys.executable, "-m", "testbed.delivery.gateway", f"--kubeconfig={kubeconfig}"),
                f"--listen={address}",
                f"--outwards={context.address}:{gitlab}=127.0.0.1:{gitlab}",
                *(f"--service={hub_host(each)}=bighpc-{each}-{_HUB}" for each in ORDER),
            ),
            probe=http_probe(f"http://{address}/-/ready"),
            note=f"JupyterHub of dev, where there is one: http://{hub_host('dev')}:{context.ports[_NAME]}; "
            f"pods reach GitLab as {GITLAB_HOST}:{gitlab}",
            after=("kube-apiserver", "cluster-objects"),
            files=(kubeconfig,),
        )
    ]
