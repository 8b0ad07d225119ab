"""System packages: which are missing, and how they get onto the machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from testbed.errors import UserError

__all__ = [
    "CNI_DIRECTORIES",
    "CNI_PACKAGE",
    "COMMANDS",
    "SYSTEM_PATH",
    "cni_directory",
    "find_command",
    "install",
    "install_command",
    "missing",
]

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "containerd": "containerd",
        "runc": "runc",
        "redis-server": "redis-server",
        "rsync": "rsync",
        "git": "git",
        "nodejs": "node",
        "npm": "npm",
        "nftables": "nft",
        "iptables": "iptables",
        "conntrack": "conntrack",
        "iproute2": "ip",
        "util-linux": "nsenter",
    }
)
"""Debian package -> the command by which it is recognised, wherever that came from."""

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where commands are, for processes that do not inherit a person's PATH."""

CNI_PACKAGE = "containernetworking-plugins"
CNI_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CNI_PLUGINS = ("ptp", "host-local", "portmap", "loopback")

NODE_PACKAGES = frozenset({"containerd", "runc", CNI_PACKAGE, "nftables", "iptables", "conntrack", "iproute2"})
"""Needed by the real node only."""

_SERVICES = {"containerd": "containerd.service", "redis-server": "redis-server.service"}
_POLICY = Path("/usr/sbin/policy-rc.d")


def find_command(command: str, environment: Mapping[str, str] | None = None) -> str | None:
    """The full path of a command; the system directories count even when a PATH lacks them."""
    path = (os.environ if environment is None else environment).get("PATH", "")
    return shutil.which(command, path=os.pathsep.join([path, *SYSTEM_PATH]))


def cni_directory() -> Path | None:
    """Where all the CNI plugins are that the node needs."""
    for directory in CNI_DIRECTORIES:
        if all((directory / plugin).is_file() for plugin in CNI_PLUGINS):
            return directory
    return None


def missing(*, real_node: bool) -> list[str]:
    """Names of the Debian packages whose programs are not on this machine, sorted."""
    absent = {package for package, command in COMMANDS.items() if find_command(command) is None}
    if cni_directory() is None:
        absent.add(CNI_PACKAGE)
    return sorted(absent if real_node else absent - NODE_PACKAGES)


def install_command(packages: list[str]) -> str:
    """What to type to install packages on Debian and Ubuntu."""
    return shlex.join(["sudo", "apt-get", "install", "--no-install-recommends", *packages])


def install(packages: list[str], *, log: Path) -> None:
    """Install Debian packages without starting or enabling the services they bring.

    Args:
        packages: Debian package names.
        log: Where the package manager's output goes.

    Raises:
        UserError: when this is not Debian as root, or the package manager fails.
    """
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise UserError(
            f"missing system packages: {' '.join(packages)}; on Debian and Ubuntu install them with "
            f"`{install_command(packages)}`, elsewhere with the packages that provide the same programs"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-o", "DPkg::Lock::Timeout=300", "-y", "--no-install-recommends"]
    with log.open("w", encoding="utf-8") as stream, _no_service_starts():
        for arguments in (["update"], ["install", *options, *packages]):
            code = subprocess.call([apt, *arguments], stdout=stream, stderr=subprocess.STDOUT, env=environment)
            # Lists that cannot be refreshed may still be good enough to install from.
            if code != 0 and arguments[0] == "install":
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
                raise UserError(f"could not install {' '.join(packages)} (apt-get ended with {code}):\n{tail}")
    _disable_services(packages)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Keep maintainer scripts from starting daemons, by Debian's own switch for that."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _disable_services(packages: list[str]) -> None:
    """The testbed starts its own daemons; the packaged ones shall not come up at the next boot."""
    units = [_SERVICES[package] for package in packages if package in _SERVICES]
    if units and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", *units], check=False, capture_output=True)
