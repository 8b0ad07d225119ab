"""Faults of a testbed, for the drills of ``bighpc drill``: what goes wrong around an update, made on purpose."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psutil
import requests

from testbed.commands import run
from testbed.context import Context
from testbed.delivery.operator import OPERATOR_NAMESPACE, credentials, is_updating
from testbed.environment import variables
from testbed.errors import UserError
from testbed.gitlab.faults import FAULTS as GITLAB_FAULTS
from testbed.host.supervision import Supervisor

__all__ = ["FAULTS", "Fault"]

_OPERATOR: Final = "pulumi-kubernetes-operator"
_LIMIT_S: Final = 120
"""How long an update is waited for."""
_AWAY: Final = "pulumi.away"

Act = Callable[[Context, str], str]
"""Does something to a testbed and an environment; returns what it did, in a few words."""


def _nothing(_context: Context, _environment: str) -> str:
    return "it has passed by itself"


@dataclass(frozen=True)
class Fault:
    """How it is made, and how it is ended where it does not pass by itself."""

    begin: Act
    end: Act = _nothing


def _pid(context: Context, name: str) -> int:
    state = Supervisor(context.layout).states().get(name)
    if state is None or state.pid is None:
        raise UserError(f"{name} does not run; bring the testbed up: bighpc testbed up --name {context.layout.name}")
    return state.pid


def _updating(context: Context) -> psutil.Process:
    """Wait until the operator has an update in work; returns the operator."""
    operator = psutil.Process(_pid(context, _OPERATOR))
    deadline = time.monotonic() + _LIMIT_S
    while time.monotonic() < deadline:
        if is_updating(operator):
            # The engine holds the stack's lock, and has begun to ask its program.
            time.sleep(1)
            return operator
        time.sleep(0.05)
    raise UserError(f"the operator began no update within {_LIMIT_S} s; release a commit meanwhile")


def _kill_operator(context: Context, _environment: str) -> str:
    operator = _updating(context)
    family = [*operator.children(recursive=True), operator]
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return f"killed the operator and {len(family) - 1} processes of its update"


def _restart_api_server(context: Context, _environment: str) -> str:
    _updating(context)
    psutil.Process(_pid(context, "kube-apiserver")).terminate()
    return "ended the API server; it is started again"


def _faults_of_gitlab(context: Context) -> tuple[str, Mapping[str, str]]:
    url = f"http://127.0.0.1:{context.ports['gitlab']}{GITLAB_FAULTS}"
    return url, {"PRIVATE-TOKEN": context.secret("gitlab-root-token")}


def _stop_gitlab(context: Context, _environment: str) -> str:
    _updating(context)
    url, headers = _faults_of_gitlab(context)
    requests.post(url, json={"match": ".", "status": 503}, headers=headers, timeout=10).raise_for_status()
    return "GitLab answers everything with 503"


def _let_gitlab_answer(context: Context, _environment: str) -> str:
    url, headers = _faults_of_gitlab(context)
    requests.delete(url, headers=headers, timeout=10).raise_for_status()
    return "GitLab answers"


def _hide_state(context: Context, _environment: str) -> str:
    _updating(context)
    state = context.layout.data / "pulumi"
    state.rename(state.with_name(_AWAY))
    # Not a directory: so that nobody begins a new state there.
    state.touch()
    return "the directory of the state is away"


def _bring_state_back(context: Context, _environment: str) -> str:
    state = context.layout.data / "pulumi"
    away = state.with_name(_AWAY)
    if not away.exists():
        return "the directory of the state is there"
    state.unlink(missing_ok=True)
    away.rename(state)
    return "the directory of the state is there again"


def _leave_lock(context: Context, environment: str) -> str:
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock = {
        "pid": dead.pid,
        "username": "drill",
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
    }
    directory = context.layout.data / "pulumi" / ".pulumi" / "locks" / "organization" / "bighpc" / environment
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{uuid.uuid4()}.json").write_text(json.dumps(lock), encoding="utf-8")
    return f"a lock of process {dead.pid}, which is dead"


def _leave_operation(context: Context, environment: str) -> str:
    shell = {**os.environ, **variables(context), "PATH": context.search_path}
    state = json.loads(run("pulumi", "stack", "export", "--stack", environment, environment=shell))
    kind = "kubernetes:core/v1:LimitRange"
    like = next((each for each in state["deployment"]["resources"] if each["type"] == kind), None)
    if like is None:
        raise UserError(f"stack {environment} has no {kind} to begin another one like it; bring it up first")
    begun = {**like, "urn": like["urn"].rpartition("::")[0] + "::drill", "id": "", "outputs": {}}
    state["deployment"].setdefault("pending_operations", []).append({"resource": begun, "type": "creating"})
    run("pulumi", "stack", "import", "--stack", environment, environment=shell, given=json.dumps(state))
    return f"the state of {environment} remembers that it began to create {begun['urn']}"


def _expire_token(context: Context, environment: str) -> str:
    _patch_secret(context, environment, "glpat-expired")  # a name for what is no token
    return "GitLab does not know the run's token any more"


def _renew_token(context: Context, environment: str) -> str:
    name = f"bighpc-{environment}-credentials"
    known = next(each for each in credentials(context) if each["metadata"]["name"] == name)
    _patch_secret(context, environment, known["stringData"]["GITLAB_TOKEN"])
    return "the run has a valid token"


def _patch_secret(context: Context, environment: str, token: str) -> None:
    run(
        *(context.tools.path("kubectl"), f"--kubeconfig={context.layout.kubeconfig}", "apply", "--server-side"),
        *("--force-conflicts", "--field-manager=bighpc-testbed-faults", "--filename=-"),
        given=json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": f"bighpc-{environment}-credentials", "namespace": OPERATOR_NAMESPACE},
                "stringData": {"GITLAB_TOKEN": token},
            }
        ),
    )


FAULTS: Final[Mapping[str, Fault]] = {
    "api-server-restart": Fault(_restart_api_server),
    "expired-token": Fault(_expire_token, _renew_token),
    "gitlab-outage": Fault(_stop_gitlab, _let_gitlab_answer),
    "operator-killed": Fault(_kill_operator),
    "pending-operations": Fault(_leave_operation),
    "stale-lock": Fault(_leave_lock),
    "state-outage": Fault(_hide_state, _bring_state_back),
}
"""By name."""
