"""How the commands reach the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml
from lightkube import Client, KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.generic_resource import create_namespaced_resource

from gitops.errors import CommandError

__all__ = ["APPLICATION", "connect", "reason"]

APPLICATION: Final = create_namespaced_resource("argoproj.io", "v1alpha1", "Application", "applications")
"""Argo CD's application."""

_TIMEOUT_S: Final = 30


def connect(config: Mapping[str, Any]) -> Client:
    """Return a client of the stack's cluster.

    Args:
        config: what the stack's file says.

    Raises:
        CommandError: when there is no usable kubeconfig.
    """
    source, context = config.get("kubernetes:kubeconfig"), config.get("kubernetes:context")
    if isinstance(source, Mapping):
        raise CommandError(
            "kubernetes:kubeconfig is a secret of the stack, which only its program may read",
            "Export KUBECONFIG for this command, and remove kubernetes:kubeconfig from the stack's file.",
        )
    try:
        return Client(config=_selected(source, context), timeout=httpx2.Timeout(_TIMEOUT_S))
    except (ConfigError, OSError, KeyError, TypeError, ValueError, AssertionError, yaml.YAMLError) as error:
        raise CommandError(
            f"no cluster can be reached with this kubeconfig: {' '.join(str(error).split())[:200]}",
            "Export KUBECONFIG with a file that is there, and look whether kubernetes:context is in it.",
        ) from None


def reason(error: ApiError | httpx2.HTTPError) -> str:
    """Return in a few words why a request failed."""
    if isinstance(error, ApiError):
        return f"it answered {error.status.code}: {error.status.message}"
    return str(error) or type(error).__name__


def _selected(source: str | None, context: str | None) -> SingleConfig:
    """The kubeconfig as the Kubernetes provider finds it: a path, the content itself, or the usual places."""
    if source is None:
        found = KubeConfig.from_env().get(context)
    elif "\n" in source or source.lstrip().startswith("{"):
        found = KubeConfig.from_dict(yaml.safe_load(source)).get(context)
    else:
        found = KubeConfig.from_file(str(Path(source).expanduser())).get(context)
    if found is None:
        raise ConfigError("it has no such context")
    return found
