"""What a cluster needs beside its control plane: DNS, an image registry, simulated nodes."""

from __future__ import annotations

import importlib.metadata
import sys

from testbed.cluster.objects import HARDWARE_USER
from testbed.cluster.simulated_jobs import job_stages
from testbed.context import CLUSTER_DOMAIN, GITLAB_HOST, REGISTRY_HOST, Context
from testbed.files import private_directory
from testbed.probes import http_probe, pid_probe
from testbed.processes import Kind, Process

__all__ = ["coredns", "hardware_simulator", "kwok", "registry"]


def registry(context: Context) -> Process:
    """The OCI registry, for this machine on loopback and for the node on the link."""
    port = context.ports["registry"]
    addresses = ["127.0.0.1", context.network.host] if context.real_node else ["127.0.0.1"]
    return Process(
        name="registry",
        version=context.tools.version("registry"),
        command=(
            str(context.tools.path("registry")),
            f"--directory={private_directory(context.layout.data / 'registry')}",
            f"--listen={','.join(f'{address}:{port}' for address in addresses)}",
        ),
        probe=http_probe(f"http://127.0.0.1:{port}/v2/"),
        url=f"http://127.0.0.1:{port}",
    )


def coredns(context: Context) -> Process:
    """Cluster DNS, on the host's end of the link; other names go to the host's own resolvers."""
    kubeconfig = context.kubeconfig("coredns", user="bighpc:coredns")
    port, health, ready = context.ports["coredns"], context.ports["coredns-health"], context.ports["coredns-ready"]
    corefile = context.write_config(
        "Corefile",
        f""".:{port} {{
    bind {context.network.host}
    health 127.0.0.1:{health} {{
        lameduck 0s
    }}
    ready 127.0.0.1:{ready}
    errors
    cache 30
    loadbalance
    hosts {{
        {context.network.host} {REGISTRY_HOST} {GITLAB_HOST}
        fallthrough
    }}
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . /etc/resolv.conf
}}
""",
    )
    return Process(
        name="coredns",
        version=context.tools.version("coredns"),
        after=("cluster-objects",),
        command=(str(context.tools.path("coredns")), "-conf", str(corefile)),
        files=(corefile, kubeconfig),
        probe=http_probe(f"http://127.0.0.1:{ready}/ready"),
        url=f"dns://{context.network.host}:{port}",
    )


def kwok(context: Context) -> Process:
    """Keeps the simulated nodes alive, lets their pods seem to run, and those of Jobs end."""
    kubeconfig = context.kubeconfig("kwok", user="bighpc:kwok")
    port = context.ports["kwok"]
    stages = sorted(
        file
        for pattern in ("node/fast/*.yaml", "node/heartbeat-with-lease/*.yaml", "pod/fast/*.yaml")
        for file in (context.tools.assets / "kwok-stages").glob(pattern)
        if file.name not in {"kustomization.yaml", "pod-complete.yaml"}
    )
    stages.append(context.write_config("kwok-job-stages.yaml", job_stages()))
    return Process(
        name="kwok",
        version=context.tools.version("kwok"),
        kind=Kind.REAL,
        after=("cluster-objects",),
        command=(
            str(context.tools.path("kwok")),
            f"--kubeconfig={kubeconfig}",
            *(f"--config={stage}" for stage in stages),
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",
            f"--cidr={context.network.simulated_pods}",
            f"--node-ip={context.network.simulated_pods[1]}",
            f"--server-address=127.0.0.1:{port}",
        ),
        files=(kubeconfig, *stages),
        probe=http_probe(f"http://127.0.0.1:{port}/healthz"),
    )


def hardware_simulator(context: Context) -> Process:
    """Makes simulated nodes in the shape of the hardware that environments declare."""
    kubeconfig = context.kubeconfig("hardware-simulator", user=HARDWARE_USER)
    ready = private_directory(context.layout.data / "hardware-simulator") / "ready"
    return Process(
        name="hardware-simulator",
        version=importlib.metadata.version("bighpc"),
        kind=Kind.SIMULATED,
        after=("kwok", "cluster-objects"),
        command=(
            sys.executable,
            "-m",
            "testbed.cluster.hardware",
            f"--kubeconfig={kubeconfig}",
            f"--ready-file={ready}",
        ),
        files=(kubeconfig,),
        probe=pid_probe(ready, "it has not looked at the hardware of the environments yet"),
    )
