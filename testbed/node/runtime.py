"""containerd, private to the testbed: own root, state, socket, configuration and CNI network."""

from __future__ import annotations

import json
import re
from pathlib import Path

from testbed.commands import run, succeeds
from testbed.context import REGISTRY_HOST, Context
from testbed.errors import UserError
from testbed.files import private_directory, write_private
from testbed.host.packages import CNI_PACKAGE, cni_directory, find_command, install_command
from testbed.node.namespaces import enter
from testbed.probes import unix_probe
from testbed.processes import Process

__all__ = ["PAUSE_IMAGE", "containerd", "containerd_socket", "registries", "snapshotter"]

PAUSE_IMAGE = f"{REGISTRY_HOST}/pause:1"

_CRI = 'plugins."io.containerd.grpc.v1.cri"'


_UNUSED = [
    *(f"io.containerd.snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs")),
    *("io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.nri.v1.nri"),
]
"""Plugins that would write outside of the testbed, or complain that they cannot work."""


def containerd_socket(context: Context) -> Path:
    """Where containerd answers."""
    return context.layout.run / "containerd.sock"


def registries(context: Context) -> Path:
    """The directory that tells containerd and its clients where the testbed's registry is."""
    return context.layout.config / "registries"


def snapshotter(context: Context) -> str:
    """How image layers are stacked; decided once, since containers do not survive a change."""
    file = private_directory(context.layout.data / "containerd") / "bighpc-snapshotter"
    if not file.is_file():
        write_private(file, "overlayfs" if _overlay_works(file.parent) else "native")
    return file.read_text(encoding="utf-8")


def containerd(context: Context) -> Process:
    """The container runtime, inside the node's namespaces.

    Raises:
        UserError: when its programs are not installed.
    """
    program = _required("containerd", "containerd")
    version = re.search(r"\d+\.\d+\.\d+", run(program, "--version"))
    _write_network(context)
    _write_registry(context)
    config = context.write_config("containerd.toml", _config(context))
    socket = containerd_socket(context)
    return Process(
        name="containerd",
        version=f"v{version[0]}" if version else "unknown",
        command=(*enter(context.layout), program, f"--config={config}"),
        files=(config,),
        probe=unix_probe(socket),
        url=f"unix://{socket}",
    )


def _config(context: Context) -> str:
    cni = cni_directory()
    if cni is None:
        raise UserError(f"the CNI plugins are not installed; install them with `{install_command([CNI_PACKAGE])}`")
    run_directory = context.layout.run
    root = private_directory(context.layout.data / "containerd")
    return f"""\
version = 2
root = "{root}"
state = "{run_directory / "containerd"}"
disabled_plugins = {json.dumps(_UNUSED)}

[grpc]
address = "{containerd_socket(context)}"

[{_CRI}]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"

[{_CRI}.containerd]
snapshotter = "{snapshotter(context)}"
default_runtime_name = "runc"

[{_CRI}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[{_CRI}.containerd.runtimes.runc.options]
BinaryName = "{_required("runc", "runc")}"
Root = "{run_directory / "runc"}"
SystemdCgroup = false

[{_CRI}.cni]
bin_dir = "{cni}"
conf_dir = "{context.layout.config / "cni"}"

[{_CRI}.registry]
config_path = "{registries(context)}"
"""


def _write_network(context: Context) -> None:
    """Pods are attached point to point, so that all of their traffic is routed.

    On a bridge, the answer of a Service's pod to another pod would take the short way and miss kube-proxy's rules,
    unless the host loaded a kernel module for it.
    """
    plugins = [
        {
            "type": "ptp",
            "mtu": 1500,
            "ipam": {
                "type": "host-local",
                "subnet": str(context.network.pods),
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(context.layout.run / "cni"),
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    content = {"cniVersion": "1.0.0", "name": f"bighpc-{context.layout.name}", "plugins": plugins}
    context.write_config("cni/10-bighpc.conflist", json.dumps(content, indent=2))


def _write_registry(context: Context) -> None:
    server = f"http://{context.network.host}:{context.ports['registry']}"
    context.write_config(
        f"registries/{REGISTRY_HOST}/hosts.toml",
        f'server = "{server}"\n\n[host."{server}"]\ncapabilities = ["pull", "resolve"]\n',
    )


def _overlay_works(root: Path) -> bool:
    """Whether this file system can carry an overlay; one that is an overlay itself often cannot."""
    trial = private_directory(root / ".overlay-trial")
    for name in ("lower", "upper", "work", "merged"):
        private_directory(trial / name)
    options = f"lowerdir={trial}/lower,upperdir={trial}/upper,workdir={trial}/work"
    works = succeeds("mount", "-t", "overlay", "overlay", "-o", options, trial / "merged")
    if works:
        run("umount", trial / "merged")
    return works


def _required(command: str, package: str) -> str:
    path = find_command(command)
    if path is None:
        raise UserError(f"{command} is not installed; install it with `{install_command([package])}`")
    return path
