"""What a killed testbed leaves behind: processes, mounts, namespaces, control groups, sockets."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import psutil

from testbed.commands import run
from testbed.errors import UserError
from testbed.host.supervision import MARKER
from testbed.layout import Layout
from testbed.node.cgroups import remove_cgroups
from testbed.node.namespaces import remove_namespaces

__all__ = ["claim_name", "clean", "marked_processes", "mounts_below"]

_GRACE = 5.0


def marked_processes(root: Path) -> list[psutil.Process]:
    """Processes of the testbed at ``root``, known by their environment; never this one or its ancestors."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARKER) == str(root):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # Ended meanwhile, or another user's.
    return found


def claim_name(layout: Layout) -> None:
    """Make sure that no testbed with another state directory uses this name: devices and sockets would clash.

    Raises:
        UserError: when one does and is running.
    """
    owner = layout.run / "owner"
    if owner.is_file():
        root = Path(owner.read_text(encoding="utf-8"))
        if root != layout.root and marked_processes(root):
            raise UserError(
                f"testbed name {layout.name!r} is in use by the running testbed in {root}; "
                "choose another one with --name"
            )
    layout.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner.write_text(str(layout.root), encoding="utf-8")


def clean(layout: Layout) -> list[str]:
    """End and remove everything of this testbed that is still on the machine; data, keys and logs stay.

    Returns:
        What was found, in words.
    """
    found = _end(marked_processes(layout.root))
    if os.geteuid() == 0:
        remove_cgroups(layout)
        _remove_shim_sockets(layout)
        remove_namespaces(layout)
    for path in mounts_below([layout.root, layout.run]):
        run("umount", "--lazy", path)
        found.append(f"mount {path}")
    # A lazy shim may have outlived its container until now.
    found += _end(marked_processes(layout.root))
    for directory in (layout.run, layout.builds, layout.memory):
        shutil.rmtree(directory, ignore_errors=True)
    with contextlib.suppress(OSError):  # Other testbeds are there.
        layout.run.parent.rmdir()
    return found


def mounts_below(directories: list[Path], mountinfo: str | None = None) -> list[Path]:
    """Mount points in or at the directories, deepest first."""
    text = mountinfo if mountinfo is not None else Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    points = {Path(_unescape(line.split()[4])) for line in text.splitlines()}
    inside = [point for point in points if any(point.is_relative_to(directory) for directory in directories)]
    return sorted(inside, key=lambda point: (-len(point.parts), str(point)))


def _unescape(field: str) -> str:
    """The kernel writes white space in paths as octal numbers."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _end(processes: list[psutil.Process]) -> list[str]:
    """Terminate processes, supervisors first so that they restart nothing; kill what does not end."""
    ended = []
    for process in sorted(processes, key=lambda process: process.pid):
        try:
            ended.append(f"process {process.name()} ({process.pid})")
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=_GRACE)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(alive, timeout=_GRACE)
    if alive:
        names = ", ".join(f"{process.name()} ({process.pid})" for process in alive)
        raise UserError(f"these processes of the testbed do not end even when killed: {names}")
    return ended


def _remove_shim_sockets(layout: Layout) -> None:
    """Sockets of containerd's shims lie outside of its own directories."""
    for address in (layout.run / "containerd").glob("io.containerd.runtime.v2.task/*/*/address"):
        Path(address.read_text(encoding="utf-8").strip().removeprefix("unix://")).unlink(missing_ok=True)
