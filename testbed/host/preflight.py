"""What the machine must offer before a testbed is started on it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from testbed.commands import succeeds
from testbed.errors import UserError
from testbed.host import packages
from testbed.layout import Layout
from testbed.node.cgroups import hierarchies
from testbed.progress import Progress

__all__ = ["check_disk", "check_kernel", "ensure_packages", "real_node_possible"]

NEEDED_GIB = 2.0
"""Free space for a running testbed: etcd, registry, images, logs."""

_SOCKET_PATH_LIMIT = 107
_LONGEST_SOCKET = "containerd.sock.ttrpc"


def real_node_possible() -> str | None:
    """Why containers cannot run here for this user, or None when they can be tried."""
    if sys.platform != "linux":
        return f"the system is {sys.platform}, not Linux"
    if os.geteuid() != 0:
        return "you are not root"
    return None


def check_disk(layout: Layout) -> None:
    """Refuse to start where the disk is about to be full.

    Raises:
        UserError: naming the directory and what is missing.
    """
    directory = layout.root
    while not directory.exists():
        directory = directory.parent
    free = shutil.disk_usage(directory).free / 2**30
    if free < NEEDED_GIB:
        raise UserError(
            f"{layout.root}: {free:.1f} GiB are free where a testbed needs {NEEDED_GIB:.0f} GiB; "
            "free some space, or set BIGHPC_STATE to a directory on a larger disk"
        )
    socket = layout.run / _LONGEST_SOCKET
    if len(str(socket)) > _SOCKET_PATH_LIMIT:
        raise UserError(
            f"{layout.run}: too long a path for Unix sockets ({_SOCKET_PATH_LIMIT} characters at most); "
            "set XDG_RUNTIME_DIR or BIGHPC_STATE to a shorter one"
        )


def ensure_packages(*, real_node: bool, progress: Progress, log: Path) -> None:
    """Install the system packages that are missing, after listing them.

    Raises:
        UserError: when they cannot be installed here; with the command that does it.
    """
    absent = packages.missing(real_node=real_node)
    if not absent:
        return
    with progress.step(f"installing system packages: {' '.join(absent)} (without starting their services)"):
        packages.install(absent, log=log)
    still = packages.missing(real_node=real_node)
    if still:
        raise UserError(f"installed, but their programs are not found: {' '.join(still)}; see {log}")


def check_kernel() -> None:
    """Refuse to start a real node where the kernel lacks what containers need.

    Raises:
        UserError: naming every missing feature.
    """
    problems = []
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    groups = hierarchies(mounts)
    v1_complete = {"cpu", "memory", "pids", "devices"} <= {name for entry in groups for name in entry.split(",")}
    if not v1_complete and not _unified_has_controllers(groups):
        problems.append("control groups with cpu, memory and pids controllers (mounted at /sys/fs/cgroup)")
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="utf-8") and not succeeds("modprobe", "overlay"):
        problems.append("overlayfs (module overlay)")
    if not succeeds("nft", "list", "tables"):
        problems.append("nf_tables (module nf_tables; `nft list tables` must work)")
    if not _veth_works():
        problems.append("veth network devices and network namespaces (module veth)")
    if problems:
        raise UserError(f"this kernel lacks {'; '.join(problems)}; use --no-real-node, or another kernel")


def _unified_has_controllers(groups: dict[str, Path]) -> bool:
    file = groups.get("unified", Path("/nonexistent")) / "cgroup.controllers"
    return file.is_file() and {"cpu", "memory", "pids"} <= set(file.read_text(encoding="ascii").split())


def _veth_works() -> bool:
    """Try one pair in a network namespace that lasts as long as the trial."""
    return succeeds("unshare", "--net", "ip", "link", "add", "trial0", "type", "veth", "peer", "name", "trial1")
