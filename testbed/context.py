"""What the parts of a testbed need to know of it in order to describe themselves."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from testbed.cluster.kubeconfig import write_kubeconfig
from testbed.cluster.pki import Authority, KeyPair, Pki
from testbed.files import private_directory, write_private
from testbed.host.packages import SYSTEM_PATH
from testbed.layout import Layout, NetworkBlock

__all__ = ["CLUSTER_DOMAIN", "GITLAB_HOST", "REGISTRY_HOST", "Context", "Tools"]

REGISTRY_HOST = "registry.bighpc.test"
"""The host in the names of the testbed's images; the node's containerd maps it to the testbed's registry."""

GITLAB_HOST = "gitlab.bighpc.test"
"""The host by which pods know GitLab; elsewhere it is the loopback's."""

CLUSTER_DOMAIN = "cluster.local"

_PREFIXES = {"gitlab-token": "glpat-", "gitlab-root-token": "glpat-"}
"""Beginnings by which scanners and people recognise what a credential is for."""


class Tools(Protocol):
    """Where the tools are; ``testbed.toolchain.Toolchain`` is one."""

    @property
    def bin(self) -> Path:
        """A directory with all of them."""

    @property
    def assets(self) -> Path:
        """Data files of the tools."""

    def path(self, name: str) -> Path:
        """One executable."""

    def version(self, name: str) -> str:
        """Its version, for example ``v1.34.4``."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One testbed: its files, addresses, ports and tools."""

    layout: Layout
    network: NetworkBlock
    ports: Mapping[str, int]
    """Host ports by name, such as ``gitlab``; see ``testbed.host.ports.USUAL``."""
    tools: Tools
    real_node: bool
    """Whether ``testbed-0`` is there; without it only simulated nodes are."""
    simulated_nodes: int

    @property
    def address(self) -> str:
        """Where the API server listens: where pods can reach it when there are any."""
        return self.network.host if self.real_node else "127.0.0.1"

    @property
    def api_url(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.ports['kube-apiserver']}"

    @property
    def applications_url(self) -> str:
        """Where the live page of applications is."""
        return f"http://127.0.0.1:{self.ports['applications']}"

    @property
    def tool_directories(self) -> tuple[Path, ...]:
        """What comes first on PATH: the engine with its plugins, the tools, this package's own virtual environment."""
        return (self.layout.bin, self.tools.bin, Path(sys.prefix) / "bin")

    @property
    def search_path(self) -> str:
        """PATH for processes of the testbed, independent of who starts it."""
        return os.pathsep.join([*map(str, self.tool_directories), *SYSTEM_PATH])

    @cached_property
    def pki(self) -> Pki:
        """The testbed's certificate authorities."""
        return Pki(directory=self.layout.pki)

    def secret(self, name: str) -> str:
        """A random credential of this testbed, made on first use and kept in ``secrets/NAME``."""
        return self.secret_file(name).read_text(encoding="utf-8")

    def secret_file(self, name: str) -> Path:
        """The file that holds the credential ``name``."""
        path = private_directory(self.layout.secrets) / name
        if not path.is_file():
            write_private(path, _PREFIXES.get(name, "") + secrets.token_urlsafe(32))
        return path

    def write_config(self, name: str, content: str) -> Path:
        """Write a configuration file of a process."""
        path = self.layout.config / name
        private_directory(path.parent)
        return write_private(path, content)

    def kubeconfig(self, name: str, *, user: str, groups: Iterable[str] = ()) -> Path:
        """A kubeconfig for one component, which RBAC sees as ``user`` in ``groups``."""
        client = self.pki.issue(name, common_name=user, organizations=groups)
        return self._write_kubeconfig(self.layout.config / f"{name}.kubeconfig", client, user)

    def admin_kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for people and for our own tools."""
        client = self.pki.issue("admin", common_name="kubernetes-admin", organizations=["system:masters"])
        return self._write_kubeconfig(self.layout.kubeconfig, client, "kubernetes-admin")

    def _write_kubeconfig(self, path: Path, client: KeyPair, user: str) -> Path:
        return write_kubeconfig(
            path,
            server=self.api_url,
            authority=self.pki.authority(Authority.CLUSTER).certificate,
            client=client,
            user=user,
            cluster=f"bighpc-{self.layout.name}",
        )
