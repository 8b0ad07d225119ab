"""The real node ``testbed-0``: kubelet and kube-proxy beside containerd."""

from __future__ import annotations

from functools import partial

import yaml

from testbed.cluster.control_plane import kubelet_client
from testbed.cluster.nodes import NODE_NAME, await_nodes
from testbed.cluster.pki import Authority
from testbed.commands import run
from testbed.context import CLUSTER_DOMAIN, Context
from testbed.errors import UserError
from testbed.files import private_directory
from testbed.node.cgroups import cgroup_path
from testbed.node.namespaces import enter, link_name
from testbed.node.runtime import containerd, containerd_socket
from testbed.probes import http_probe
from testbed.processes import NotReadyError, Process
from testbed.startup import Task

__all__ = ["node_items"]


def node_items(context: Context) -> list[Process | Task]:
    """Processes of the node, and the task that waits until Kubernetes calls it Ready."""
    return [
        Task(name="node-link", run=partial(_try_link, context), after=("kube-apiserver",), limit=15),
        containerd(context),
        _kubelet(context),
        _kube_proxy(context),
        Task(
            name=NODE_NAME, run=partial(await_nodes, context, [NODE_NAME]), after=("kubelet", "kube-proxy", "coredns")
        ),
    ]


def _try_link(context: Context) -> None:
    """See whether the node reaches the API server: the one thing that a firewall of the host can prevent."""
    target = (context.network.host, context.ports["kube-apiserver"])
    try:
        run(*enter(context.layout), "timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{target[0]}/{target[1]}")
    except UserError:
        device = link_name(context.layout)
        raise NotReadyError(
            f"the node cannot connect to {target[0]}:{target[1]} on this host; if a firewall filters incoming "
            f"connections, let those from device {device} in (for example `ufw allow in on {device}`)"
        ) from None


def _kubelet(context: Context) -> Process:
    pki = context.pki
    kubeconfig = context.kubeconfig("kubelet", user=f"system:node:{NODE_NAME}", groups=["system:nodes"])
    config = context.write_config("kubelet.yaml", yaml.safe_dump(_kubelet_config(context)))
    data = private_directory(context.layout.data / "kubelet")
    port = 10250
    return Process(
        name="kubelet",
        version=context.tools.version("kubelet"),
        after=("cluster-objects", "containerd", "node-link", "pause-image"),
        command=(
            *enter(context.layout),
            str(context.tools.path("kubelet")),
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={context.network.node}",
            f"--root-dir={data}",
            f"--cert-dir={data / 'pki'}",
        ),
        files=(config, kubeconfig),
        probe=http_probe(
            f"https://{context.network.node}:{port}/healthz",
            authority=pki.authority(Authority.CLUSTER).certificate,
            client=kubelet_client(context),
        ),
        url=f"https://{context.network.node}:{port}",
    )


def _kubelet_config(context: Context) -> dict[str, object]:
    pki, layout = context.pki, context.layout
    server = pki.issue(
        "kubelet-server", common_name=NODE_NAME, server_names=[NODE_NAME, context.network.node], client=False
    )
    resolv = context.write_config("resolv.conf", f"nameserver {context.network.dns}\n")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": context.network.node,
        "healthzPort": 0,  # Its loopback is not ours; /healthz is asked for on the main port.
        "tlsCertFile": str(server.certificate),
        "tlsPrivateKeyFile": str(server.key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.authority(Authority.CLUSTER).certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{containerd_socket(context)}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_path(layout),
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [context.network.dns],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(resolv),
        "podLogsDir": str(private_directory(layout.logs / "pods")),
        "staticPodPath": "",
        "volumePluginDir": str(private_directory(layout.data / "kubelet" / "volume-plugins")),
        # The disk is the user's: its fill level is no reason to evict pods or to drop images.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "200Mi", "imagefs.available": "200Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "10s",
        "shutdownGracePeriod": "0s",
    }


def _kube_proxy(context: Context) -> Process:
    kubeconfig = context.kubeconfig("kube-proxy", user="system:kube-proxy")
    health = f"{context.network.node}:10256"
    return Process(
        name="kube-proxy",
        version=context.tools.version("kube-proxy"),
        after=("node-link",),
        command=(
            *enter(context.layout),
            str(context.tools.path("kube-proxy")),
            f"--kubeconfig={kubeconfig}",
            "--proxy-mode=nftables",
            f"--hostname-override={NODE_NAME}",
            f"--cluster-cidr={context.network.pods}",
            "--conntrack-max-per-core=0",
            f"--healthz-bind-address={health}",
            "--metrics-bind-address=127.0.0.1:10249",
        ),
        files=(kubeconfig,),
        probe=http_probe(f"http://{health}/livez"),
        url=f"http://{health}",
    )
