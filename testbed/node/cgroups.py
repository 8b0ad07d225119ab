"""The control groups that hold the node's containers, on cgroup v1, v2 and both mixed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from testbed.errors import UserError
from testbed.layout import Layout

__all__ = ["cgroup_path", "create_cgroups", "hierarchies", "remove_cgroups"]

_MOUNTS = Path("/proc/self/mounts")
_LIMIT = 15.0
_GRACE = 3.0


def cgroup_path(layout: Layout) -> str:
    """The testbed's group, below which the kubelet puts all pods."""
    return f"/bighpc/{layout.name}"


def hierarchies(mounts: str) -> dict[str, Path]:
    """Mount points of cgroup hierarchies by name: controllers for v1, ``unified`` for v2.

    Args:
        mounts: The content of ``/proc/self/mounts``.
    """
    found: dict[str, Path] = {}
    for line in mounts.splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found.setdefault("unified", Path(where))
        elif kind == "cgroup":
            found.setdefault(options, Path(where))
    return found


def create_cgroups(layout: Layout) -> None:
    """Make the testbed's group in every hierarchy; the kubelet wants its root group to exist.

    Raises:
        UserError: when the kernel refuses.
    """
    for mount in _mounted():
        group = mount
        try:
            for part in cgroup_path(layout).strip("/").split("/"):
                _delegate(group)
                group = group / part
                group.mkdir(exist_ok=True)
                _copy_cpuset(group)
            _delegate(group)
        except OSError as error:
            raise UserError(
                f"{group}: the kernel refuses a control group ({error.strerror}); containers cannot run here: "
                "use --no-real-node, or run where control groups are writable"
            ) from None


def remove_cgroups(layout: Layout) -> None:
    """End every process in the testbed's groups, kindly first, and remove the groups.

    Raises:
        UserError: when processes do not end.
    """
    groups = [mount / cgroup_path(layout).strip("/") for mount in _mounted()]
    begun = time.monotonic()
    while pids := _members(groups):
        patience = time.monotonic() - begun
        if patience > _LIMIT:
            raise UserError(f"processes {sorted(pids)} of the testbed's containers do not end; see why with `ps`")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if patience < _GRACE else signal.SIGKILL)
        time.sleep(0.1)
    for group in groups:
        _remove_tree(group)
        with contextlib.suppress(OSError):  # Another testbed may have its group beside ours.
            group.parent.rmdir()


def _mounted() -> list[Path]:
    return list(hierarchies(_MOUNTS.read_text(encoding="utf-8")).values())


def _delegate(group: Path) -> None:
    """On v2, let groups below this one use all controllers that it has."""
    control = group / "cgroup.subtree_control"
    if control.is_file():
        controllers = (group / "cgroup.controllers").read_text(encoding="ascii").split()
        for controller in controllers:
            # One that cannot be delegated (realtime processes, for example) must not cost the others.
            with contextlib.suppress(OSError):
                control.write_text(f"+{controller}", encoding="ascii")


def _copy_cpuset(group: Path) -> None:
    """On v1, a new cpuset has no CPU and no memory node until somebody gives it some."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        if file.is_file() and not (group / "cgroup.controllers").exists() and not file.read_text().strip():
            file.write_text((group.parent / name).read_text(encoding="ascii"), encoding="ascii")


def _members(groups: list[Path]) -> set[int]:
    pids: set[int] = set()
    for group in groups:
        for file in group.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                pids.update(map(int, file.read_text(encoding="ascii").split()))
    # Processes of another PID namespace show up as 0.
    return pids - {0}


def _remove_tree(group: Path) -> None:
    if not group.is_dir():
        return
    for directory, _, _ in os.walk(group, topdown=False):
        for _ in range(20):  # The kernel lets go of a dead member a moment later.
            try:
                Path(directory).rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.05)
