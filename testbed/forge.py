"""The GitLab double, its agent server, and the runner that takes its jobs, as supervised processes."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from testbed.cluster.objects import AGENT_SERVER_USER
from testbed.cluster.pki import Authority
from testbed.context import REGISTRY_HOST, Context
from testbed.files import private_directory, write_private
from testbed.gitlab.settings import VERSION
from testbed.host.packages import find_command
from testbed.node.cgroups import cgroup_path
from testbed.node.namespaces import enter
from testbed.node.runtime import containerd_socket, registries, snapshotter
from testbed.probes import http_probe, pid_probe
from testbed.processes import Kind, NotReadyError, Process
from testbed.runner.service import READY
from testbed.startup import Task

__all__ = ["agent_server", "gitlab", "runner_items"]

RUNNER = "gitlab-runner"
AGENT_SERVER = "gitlab-kas"
_KAS_SECRET = "gitlab-kas-secret"  # noqa: S105 - the name of the file
_TOKEN = "gitlab-runner-token"  # noqa: S105 - the name of the file and of the task that writes it

_KEPT = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"),
)
"""What a site's jobs need of the environment to fetch anything."""

_OFFERED = ("crane", "kubectl")
"""Tools of ours that shell jobs find on PATH: to make images, and to deploy through an agent."""


def gitlab(context: Context) -> Process:
    """GitLab's API and Git over HTTP, on loopback."""
    authority = context.pki.authority(Authority.CLUSTER).certificate
    address = f"127.0.0.1:{context.ports['gitlab']}"
    url = f"http://{address}"
    return Process(
        name="gitlab",
        kind=Kind.DOUBLE,
        version=VERSION,
        command=(
            sys.executable,
            "-m",
            "testbed.gitlab",
            f"--data={private_directory(context.layout.data / 'gitlab')}",
            f"--listen={address}",
            f"--external-url={url}",
            f"--root-token-file={context.secret_file('gitlab-root-token')}",
            f"--bot-token-file={context.secret_file('gitlab-token')}",
            f"--registry=127.0.0.1:{context.ports['registry']}",
            f"--gitlab-ci-local={context.tools.path('gitlab-ci-local')}",
            f"--kas-url={_agent_server_url(context)}",
            f"--kas-authority={authority}",
            f"--kas-secret-file={context.secret_file(_KAS_SECRET)}",
        ),
        probe=http_probe(f"{url}/-/readiness"),
        url=url,
    )


def agent_server(context: Context) -> Process:
    """Carries requests of jobs and people to the cluster; over TLS, without which Kubernetes' clients send no token."""
    url = _agent_server_url(context)
    kubeconfig = context.kubeconfig(AGENT_SERVER, user=AGENT_SERVER_USER)
    server = context.pki.issue(
        f"{AGENT_SERVER}-server", common_name=AGENT_SERVER, server_names=["127.0.0.1", "localhost"], client=False
    )
    return Process(
        name=AGENT_SERVER,
        kind=Kind.DOUBLE,
        version=VERSION,
        after=("gitlab", "cluster-objects"),
        command=(
            sys.executable,
            "-m",
            "testbed.gitlab.kas",
            f"--gitlab=http://127.0.0.1:{context.ports['gitlab']}",
            f"--secret-file={context.secret_file(_KAS_SECRET)}",
            f"--kubeconfig={kubeconfig}",
            f"--listen=127.0.0.1:{context.ports[AGENT_SERVER]}",
            f"--certificate={server.certificate}",
            f"--key={server.key}",
        ),
        files=(kubeconfig, server.certificate),
        probe=http_probe(f"{url}/readiness", authority=context.pki.authority(Authority.CLUSTER).certificate),
        url=url,
    )


def _agent_server_url(context: Context) -> str:
    return f"https://127.0.0.1:{context.ports[AGENT_SERVER]}"


def runner_items(context: Context) -> list[Process | Task]:
    """The embedded runner, for all projects, and the task that makes it known to GitLab."""
    node = ("containerd", "registry") if context.real_node else ()
    return [
        Task(name=_TOKEN, run=partial(_register, context), after=("gitlab",)),
        _runner(context, after=("gitlab", _TOKEN, *node)),
    ]


def _runner(context: Context, after: tuple[str, ...]) -> Process:
    state = private_directory(context.layout.data / "runner")
    containers = context.write_config("runner-containers.json", _containers(context)) if context.real_node else None
    return Process(
        name=RUNNER,
        kind=Kind.DOUBLE,
        version=VERSION,
        after=after,
        command=(
            sys.executable,
            "-m",
            "testbed.runner",
            f"--url=http://127.0.0.1:{context.ports['gitlab']}",
            f"--token-file={_token_file(context)}",
            f"--state={state}",
            f"--builds={context.layout.builds}",
            f"--name={context.layout.name}",
            *(f"--keep-environment={name}" for name in _KEPT),
            *(f"--tool={context.tools.path(name)}" for name in _OFFERED),
            *((f"--containers={containers}",) if containers else ()),
        ),
        files=(containers,) if containers else (),
        probe=pid_probe(state / READY, "GitLab has not answered the runner yet"),
        stop_limit=20,
    )


def _containers(context: Context) -> str:
    """How jobs with an image run: on the node's containerd, below the node's control group."""
    socket = containerd_socket(context)
    port = context.ports["registry"]
    facts = {
        "command": [*enter(context.layout), find_command("ctr") or "ctr", f"--address={socket}"],
        "registry": REGISTRY_HOST,
        "aliases": [f"127.0.0.1:{port}", f"localhost:{port}", f"{context.network.host}:{port}"],
        "hosts": str(registries(context)),
        "snapshotter": snapshotter(context),
        "cgroup": f"{cgroup_path(context.layout)}/jobs",
    }
    return json.dumps(facts, indent=2)


def _token_file(context: Context) -> Path:
    return private_directory(context.layout.secrets) / _TOKEN


def _register(context: Context) -> None:
    """Make sure that GitLab knows a runner by the token that we have, with the tags of what it can do.

    Raises:
        NotReadyError: when GitLab does not answer as it should.
    """
    tags = ["shell", "container"] if context.real_node else ["shell"]
    wanted = {"tag_list": tags, "run_untagged": True, "description": f"runner of testbed {context.layout.name}"}
    headers = {"PRIVATE-TOKEN": context.secret("gitlab-root-token")}
    address = f"http://127.0.0.1:{context.ports['gitlab']}/api/v4/"
    file = _token_file(context)
    try:
        with httpx2.Client(base_url=address, headers=headers, timeout=10, trust_env=False) as api:
            known = _known(api, file.read_text()) if file.is_file() else None
            if known is not None:
                _expect(api.put(f"runners/{known}", json=wanted), 200)
                return
            made = _expect(api.post("user/runners", json={"runner_type": "instance_type", **wanted}), 201)
    except httpx2.HTTPError as error:
        raise NotReadyError(f"GitLab: {type(error).__name__}") from None
    write_private(file, made["token"])


def _known(api: httpx2.Client, token: str) -> int | None:
    """The number of the runner with this token; nothing when GitLab has no such runner (any more)."""
    answer = api.post("runners/verify", json={"token": token})
    return int(answer.json()["id"]) if answer.status_code == 200 else None


def _expect(answer: httpx2.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise NotReadyError(f"GitLab answers {answer.status_code} where the testbed's runner is registered")
    facts: dict[str, Any] = answer.json()
    return facts
