"""The network and mount namespaces that the real node's processes share.

The network namespace keeps kube-proxy's rules and the pods' interfaces away from the host, and two testbeds away from
each other. The mount namespace does the same for the mounts of containerd and kubelet, and for the few directories
that those have hard-coded; when the last process in it ends, all its mounts are gone.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from pathlib import Path

from testbed.commands import run, succeeds
from testbed.files import private_directory
from testbed.layout import Layout, NetworkBlock

__all__ = ["create_namespaces", "enter", "link_name", "namespaces_intact", "overlapping_route", "remove_namespaces"]

_NETNS = Path("/run/netns")
_MADE = Path("/run/bighpc/made-directories")

SHADOWED = {
    "cni": Path("/var/lib/cni"),
    "kubelet": Path("/var/lib/kubelet"),
    "containers": Path("/var/log/containers"),
    "containerd": Path("/run/containerd"),
}
"""Directories whose paths kubelet and containerd do not let us choose, shadowed by ours below ``run/shadow``."""


def link_name(layout: Layout) -> str:
    """The host's network device of the link to the node."""
    return f"bh-{layout.name}"


def enter(layout: Layout) -> tuple[str, ...]:
    """The beginning of a command that runs inside the node's namespaces."""
    return ("nsenter", f"--net={_NETNS / layout.network_namespace}", f"--mount={_mount_file(layout)}", "--")


def namespaces_intact(layout: Layout) -> bool:
    """Whether both namespaces and the link are there and can be entered."""
    return succeeds(*enter(layout), "true") and succeeds("ip", "link", "show", "dev", link_name(layout))


def create_namespaces(layout: Layout, network: NetworkBlock) -> None:
    """Make both namespaces and the link between the node and the host, with routes to pods and services."""
    _create_network(layout, network)
    _create_mounts(layout)


def remove_namespaces(layout: Layout) -> None:
    """Remove what `create_namespaces` made, or what is left of it."""
    link, namespace = link_name(layout), layout.network_namespace
    if succeeds("ip", "link", "show", "dev", link):
        run("ip", "link", "delete", "dev", link)
    if (_NETNS / namespace).exists():
        run("ip", "netns", "delete", namespace)
    directory = _mount_file(layout).parent
    for path in (_mount_file(layout), directory):
        while path.exists() and succeeds("mountpoint", "--quiet", path):
            run("umount", "--lazy", path)
    _mount_file(layout).unlink(missing_ok=True)
    _remove_shadowed(layout)


def overlapping_route(network: NetworkBlock, *, ignored_device: str) -> str | None:
    """A route of this machine into the network block that is not the testbed's own, described; or None.

    Routes wider than /12 do not count: they are catch-alls (of a VPN, for example) that the testbed's narrower routes
    go before, and would leave no block at all.
    """
    for route in json.loads(run("ip", "-json", "-4", "route", "show", "table", "all") or "[]"):
        destination = route.get("dst", "default")
        if destination == "default" or route.get("dev") == ignored_device:
            continue
        other = ipaddress.IPv4Network(destination, strict=False)
        if other.prefixlen >= 12 and other.overlaps(network.cidr):
            return f"{destination} via {route.get('dev', 'another host')}"
    return None


def _create_network(layout: Layout, network: NetworkBlock) -> None:
    link, namespace = link_name(layout), layout.network_namespace
    run("ip", "netns", "add", namespace)
    run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    run("ip", "address", "add", f"{network.host}/30", "dev", link)
    run("ip", "link", "set", link, "up")
    inside = ("ip", "-netns", namespace)
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{network.node}/30", "dev", "eth0")
    run(*inside, "link", "set", "eth0", "up")
    run(*inside, "route", "add", "default", "via", network.host)
    # Only here: the host itself forwards nothing, so pods reach the host but not its networks.
    run("nsenter", f"--net={_NETNS / namespace}", "--", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    for destination in (network.pods, network.services):
        run("ip", "route", "add", str(destination), "via", network.node, "dev", link)


def _create_mounts(layout: Layout) -> None:
    file = _mount_file(layout)
    directory = private_directory(file.parent)
    # The kernel keeps a mount namespace in a file only below a mount that is not shared.
    run("mount", "--bind", directory, directory)
    run("mount", "--make-private", directory)
    file.touch()
    # "slave": what the host mounts appears inside, never the other way round.
    run("unshare", f"--mount={file}", "--propagation", "slave", "true")
    enter_mounts = ("nsenter", f"--mount={file}", "--")
    for name, path in SHADOWED.items():
        _make_shadowed(path)
        run(*enter_mounts, "mount", "--bind", private_directory(layout.run / "shadow" / name), path)
    # Pods with bidirectional mounts want shared propagation; it ends at this namespace's border.
    run(*enter_mounts, "mount", "--make-rshared", "/")


def _make_shadowed(path: Path) -> None:
    """Make a directory to mount over, and remember that it was not there before."""
    if not path.exists():
        path.mkdir(parents=True)
        with _MADE.open("a", encoding="utf-8") as file:
            file.write(f"{path}\n")


def _remove_shadowed(layout: Layout) -> None:
    """Remove the directories that were made only to be mounted over, once no testbed is left.

    Not before: removing a directory takes away what other mount namespaces have mounted there.
    """
    others = [entry for entry in _MADE.parent.glob("*/owner") if entry.parent != layout.run]
    if _MADE.is_file() and not others:
        for line in _MADE.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(OSError):  # Meanwhile in use by somebody else: theirs now.
                Path(line).rmdir()
        _MADE.unlink()


def _mount_file(layout: Layout) -> Path:
    return layout.run / "namespaces" / "mount"
