"""Which kubeconfig the Kubernetes provider will use, so that the first look goes to the same cluster."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError

from stacks.settings import ClusterConnection

__all__ = ["cluster_config"]


def cluster_config(connection: ClusterConnection) -> SingleConfig:
    """Return what the Kubernetes provider will use: the context, in the first of its files that has it.

    Raises:
        ConfigError: when there is no such context.
        OSError: when a file cannot be read.
    """
    configs = _kubeconfigs(connection.kubeconfig)
    context = connection.context or next((each.current_context for each in configs if each.current_context), None)
    config = next((each for each in configs if context in each.contexts), configs[0]).get(context)
    if config is None:
        raise ConfigError("the kubeconfig names no current context")
    return config


def _kubeconfigs(configured: str | None) -> list[KubeConfig]:
    """Return, in the provider's order: the configured one, those of KUBECONFIG, the home directory's, the pod's own."""
    if configured and "\n" in configured:
        return [KubeConfig.from_dict(yaml.safe_load(configured))]
    if configured:
        return [KubeConfig.from_file(configured)]
    named = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    if named:
        # kubectl skips the files that are not there, too.
        present = [path for path in named if Path(path).is_file()]
        return [KubeConfig.from_file(path) for path in present or named[:1]]
    home = Path("~/.kube/config").expanduser()
    return [KubeConfig.from_file(home) if home.is_file() else KubeConfig.from_service_account()]
