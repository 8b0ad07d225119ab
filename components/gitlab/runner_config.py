"""The files of a GitLab runner on a machine: ``config.toml``, systemd unit and cloud-init. Pure text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import tomli_w
import yaml

__all__ = ["CONFIG_FILE", "RunnerConfig", "cloud_init", "config_toml", "kubernetes_toml", "systemd_unit"]

CONFIG_FILE: Final = "/etc/gitlab-runner/config.toml"
"""Where the runner's package looks for its settings."""

_UNIT_FILE: Final = "/etc/systemd/system/gitlab-runner.service"
_CHECK_SECONDS: Final = 3
"""How often an idle runner asks for a job: GitLab's own default."""


@dataclass(frozen=True, kw_only=True)
class RunnerConfig:
    """What a runner has to know."""

    name: str
    url: str
    """GitLab's address, without the path of its API."""
    token: str = field(repr=False)
    """The authentication token that GitLab gave it."""
    executor: str
    image: str
    privileged: bool
    concurrent: int
    socket: str | None = None
    """The Docker host's socket, where jobs' containers are made."""


def config_toml(config: RunnerConfig) -> str:
    """Return the runner's settings.

    Raises:
        ValueError: when the token is none that GitLab hands out to a runner.
    """
    if not config.token.startswith("glrt-") or any(map(str.isspace, config.token)):
        raise ValueError(
            f"the token of runner {config.name} is not one of a created runner (glrt-…): a registration token does "
            "not work here; let GitLab make the runner anew"
        )
    runner: dict[str, Any] = {
        "name": config.name,
        "url": config.url,
        "token": config.token,
        "executor": config.executor,
        "request_concurrency": config.concurrent,
    }
    if config.executor == "docker":
        runner["docker"] = _docker(config)
    document = {
        "concurrent": config.concurrent,
        "check_interval": _CHECK_SECONDS,
        "shutdown_timeout": 300,
        "runners": [runner],
    }
    return _checked(document)


def _docker(config: RunnerConfig) -> dict[str, Any]:
    docker: dict[str, Any] = {
        "image": config.image,
        "privileged": config.privileged,
        "disable_entrypoint_overwrite": False,
        "oom_kill_disable": False,
        # A job must not reach another's leftovers, and an image that changed under its tag is fetched again.
        "pull_policy": ["always", "if-not-present"],
        "volumes": ["/cache"],
    }
    if config.socket:
        docker["host"] = f"unix://{config.socket}"
    return docker


def kubernetes_toml(*, namespace: str, image: str, cpu_limit: str, memory_limit: str) -> str:
    """Return the part of the settings that the chart completes with address and token."""
    kubernetes = {
        "namespace": namespace,
        "image": image,
        "privileged": False,
        "allow_privilege_escalation": False,
        "cpu_limit": cpu_limit,
        "memory_limit": memory_limit,
        "poll_timeout": 600,
    }
    return _checked({"runners": [{"kubernetes": kubernetes}]})


def _checked(document: Mapping[str, Any]) -> str:
    text = tomli_w.dumps(document)
    if tomllib.loads(text) != document:
        raise ValueError("the runner's settings do not survive being written as TOML")
    return text


def systemd_unit(name: str) -> str:
    """Return the service that keeps the runner going, and lets it finish its jobs when it is stopped."""
    return "\n".join(
        [
            "[Unit]",
            f"Description=GitLab Runner {name}",
            "ConditionFileIsExecutable=/usr/bin/gitlab-runner",
            f"ConditionPathExists={CONFIG_FILE}",
            "After=network-online.target docker.service",
            "Wants=network-online.target",
            "",
            "[Service]",
            f"ExecStart=/usr/bin/gitlab-runner run --config {CONFIG_FILE} --working-directory /var/lib/gitlab-runner "
            "--service gitlab-runner --user gitlab-runner",
            "KillSignal=SIGQUIT",
            "TimeoutStopSec=600",
            "Restart=always",
            "RestartSec=10",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def cloud_init(
    *, config: str, unit: str, docker: bool, package_source: str | None = None, package_key: str | None = None
) -> str:
    """Return what turns a fresh virtual machine into the runner.

    Args:
        config: the content of ``config.toml``.
        unit: the systemd unit.
        docker: whether jobs run in containers.
        package_source: a line of apt's ``sources.list``, if the machine's own sources lack the package.
        package_key: the key that the source is signed with.
    """
    document: dict[str, Any] = {
        "package_update": True,
        "packages": ["gitlab-runner", *(["docker.io"] if docker else [])],
        "write_files": [
            {"path": CONFIG_FILE, "owner": "root:root", "permissions": "0600", "content": config},
            {"path": _UNIT_FILE, "owner": "root:root", "permissions": "0644", "content": unit},
        ],
        "runcmd": [
            ["install", "--directory", "--owner=gitlab-runner", "/var/lib/gitlab-runner"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "gitlab-runner.service"],
        ],
    }
    if package_source:
        source = {"source": package_source, **({"key": package_key} if package_key else {})}
        document["apt"] = {"sources": {"gitlab-runner.list": source}}
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=1000)
