"""Kubeconfigs with embedded client certificates: one file is all that a component needs."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from testbed.cluster.pki import KeyPair
from testbed.files import private_directory, write_private

__all__ = ["write_kubeconfig"]


def write_kubeconfig(path: Path, *, server: str, authority: Path, client: KeyPair, user: str, cluster: str) -> Path:
    """Write a kubeconfig of one cluster and one user.

    Args:
        path: Where to.
        server: URL of the API server.
        authority: The certificate that the API server's own must be signed by.
        client: Who the user is.
        user: The user's name inside the file.
        cluster: The cluster's name inside the file.
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"server": server, "certificate-authority-data": _embedded(authority)}}
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _embedded(client.certificate),
                    "client-key-data": _embedded(client.key),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    private_directory(path.parent)
    return write_private(path, yaml.safe_dump(content, sort_keys=False))


def _embedded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
