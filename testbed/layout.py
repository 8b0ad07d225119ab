"""Where a testbed keeps its things, and which addresses are its own.

Two testbeds on one machine share nothing but the tools: each has a name, a state directory, a network block and ports.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEFAULT_NAME", "Layout", "NetworkBlock", "cache_directory", "state_directory"]

DEFAULT_NAME = "default"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?")


def cache_directory() -> Path:
    """Where built tools are kept, per user: ``$BIGHPC_CACHE``, else the XDG cache directory."""
    explicit = os.environ.get("BIGHPC_CACHE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bighpc"


def state_directory() -> Path:
    """Where testbeds live, per user: ``$BIGHPC_STATE``, else the XDG state directory."""
    explicit = os.environ.get("BIGHPC_STATE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bighpc"


@dataclass(frozen=True, kw_only=True)
class NetworkBlock:
    """The addresses of one testbed, all inside one ``10.N.0.0/16``."""

    index: int
    """N, from 200 to 250; chosen once per testbed so that no existing route overlaps."""

    @property
    def cidr(self) -> ipaddress.IPv4Network:
        """The whole block."""
        return ipaddress.IPv4Network(f"10.{self.index}.0.0/16")

    @property
    def host(self) -> str:
        """The host's end of the link to the node's network: the API server and the registry answer pods here."""
        return f"10.{self.index}.0.1"

    @property
    def node(self) -> str:
        """The address of ``testbed-0``."""
        return f"10.{self.index}.0.2"

    @property
    def services(self) -> ipaddress.IPv4Network:
        """Cluster IPs."""
        return ipaddress.IPv4Network(f"10.{self.index}.64.0/18")

    @property
    def dns(self) -> str:
        """The cluster IP of the DNS service."""
        return f"10.{self.index}.64.10"

    @property
    def pods(self) -> ipaddress.IPv4Network:
        """Addresses of pods that really run, on ``testbed-0``."""
        return ipaddress.IPv4Network(f"10.{self.index}.128.0/24")

    @property
    def simulated_pods(self) -> ipaddress.IPv4Network:
        """Addresses that KWOK writes into simulated pods; nothing answers there."""
        return ipaddress.IPv4Network(f"10.{self.index}.192.0/18")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The files of one testbed."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that cannot be part of device, namespace and directory names.

        Raises:
            ValueError: when the name is not 1 to 11 lower-case letters, digits and inner hyphens.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"testbed name {self.name!r}: use 1 to 11 lower-case letters, digits or inner hyphens; "
                "it becomes part of network device names, which are at most 15 characters long"
            )

    @property
    def root(self) -> Path:
        """Everything of this testbed is below it."""
        return state_directory() / self.name

    @property
    def pki(self) -> Path:
        """Certificates and keys, mode 0600."""
        return self.root / "pki"

    @property
    def secrets(self) -> Path:
        """Generated credentials, one per file, mode 0600."""
        return self.root / "secrets"

    @property
    def bin(self) -> Path:
        """The engine with the plugins that this testbed adds to it."""
        return self.root / "bin"

    @property
    def config(self) -> Path:
        """Rendered configuration of the processes."""
        return self.root / "config"

    @property
    def data(self) -> Path:
        """What survives a restart: etcd, GitLab, registry, Pulumi state."""
        return self.root / "data"

    @property
    def volumes(self) -> Path:
        """Volumes of pods, one directory each."""
        return self.data / "volumes"

    @property
    def logs(self) -> Path:
        """One log file per process, rotated."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Sockets, process ids, mounts: nothing here survives ``down``.

        A short path on purpose: a Unix socket's path has at most 107 characters.
        """
        base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or self.root)
        return base / "bighpc" / self.name

    @property
    def builds(self) -> Path:
        """Checkouts of pipeline jobs; nothing here survives ``down``.

        As root, jobs run as users of their own, who cannot pass through the directories above ours.
        """
        shared = Path("/var/tmp")  # noqa: S108 - the runner checks whose directory it is
        return shared / f"bighpc-{self.name}-builds" if os.geteuid() == 0 else self.root / "builds"

    @property
    def memory(self) -> Path:
        """Files that are never on a disk, where the machine has a place for them; nothing here survives ``down``."""
        return Path("/dev/shm") / f"bighpc-{self.name}"  # noqa: S108 - a directory of ours, mode 0700

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def network_namespace(self) -> str:
        """The network namespace of the real node."""
        return f"bighpc-{self.name}"
