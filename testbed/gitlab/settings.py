"""What one GitLab double is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["REVISION", "VERSION", "Settings"]

VERSION = "18.5.0-ee"
"""The GitLab release whose behaviour is imitated; clients read it from ``/api/v4/version``."""

REVISION = "double"
"""Stands where GitLab reports its commit, so that nobody takes the double for the real thing."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where a double keeps its data and how others reach it."""

    data: Path
    external_url: str
    """Without a slash at the end; part of every URL in answers and payloads."""
    registry: str | None = None
    """Host and port of the container registry that jobs are told of; nothing: they are told of none."""
    gitlab_ci_local: Path | None = None
    """The program that expands configurations; without it no pipeline is compiled."""
    kas_url: str | None = None
    """Where the agent server listens; nothing: below the external URL, as a reverse proxy would have it."""
    kas_authority: Path | None = None
    """The certificate that the agent server's own is signed by, which jobs are told to trust."""
    kas_secret: Path | None = None
    """What the agent server proves itself with, mode 0600; without it none is let in."""
    id_token_seconds: int = 120
    """How long ID tokens are good for. As in GitLab, where ``oidc_provider_openid_id_token_expire_in_seconds`` says so,
    it is short: some clients, Argo CD among them, end their sessions with it."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "gitlab.sqlite3"

    @property
    def repositories(self) -> Path:
        """Bare Git repositories."""
        return self.data / "repositories"

    @property
    def spool(self) -> Path:
        """Pushes that Git has accepted and the database has not recorded yet."""
        return self.data / "spool"

    @property
    def kubernetes_proxy(self) -> str:
        """Where clusters are reached through their agents."""
        return f"{self.kas_url or self.external_url}/-/kubernetes-agent/k8s-proxy/"

    @property
    def host(self) -> str:
        """Host and port of the external URL."""
        return self.external_url.split("://", 1)[-1]
