"""Where the services of the tests belong."""

from __future__ import annotations

from typing import Final

from components.argocd.service import ServiceSite

__all__ = ["SITE"]

SITE: Final = ServiceSite(
    environment="dev",
    owner="platform",
    argocd_namespace="argocd",
    server="https://kubernetes.default.svc",
    repository_id="7",
    repository_url="https://gitlab.example.org/bighpc/environments.git",
)
