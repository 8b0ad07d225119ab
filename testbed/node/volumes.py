"""Volumes on the real node: a default storage class, whose volumes are directories of this machine's disk."""

from __future__ import annotations

from testbed.cluster.nodes import NODE_NAME
from testbed.cluster.objects import PROVISIONER, VOLUMES_USER
from testbed.context import Context
from testbed.files import private_directory
from testbed.probes import http_probe
from testbed.processes import Process

__all__ = ["provisioner"]

_TOOL = "local-volumes"


def provisioner(context: Context) -> Process:
    """Makes a volume when a pod that claims one is scheduled, and removes it when its claim goes."""
    kubeconfig = context.kubeconfig(_TOOL, user=VOLUMES_USER)
    port = context.ports[_TOOL]
    return Process(
        name=_TOOL,
        command=(
            str(context.tools.path(_TOOL)),
            f"--kubeconfig={kubeconfig}",
            f"--provisioner={PROVISIONER}",
            f"--directory={private_directory(context.layout.volumes)}",
            f"--node={NODE_NAME}",
            f"--metrics-port={port}",
        ),
        version=context.tools.version(_TOOL),
        probe=http_probe(f"http://127.0.0.1:{port}/metrics"),
        files=(kubeconfig,),
        note="volumes have no limit of size, whatever a claim says",
        after=("cluster-objects",),
    )
