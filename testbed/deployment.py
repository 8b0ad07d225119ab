"""The main job on a running testbed: image, stacks, contents of the environment repository, applications."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from testbed import deployed, stacks
from testbed.commands import run
from testbed.context import REGISTRY_HOST, Context
from testbed.environment import variables
from testbed.errors import UserError
from testbed.images import push_program_image
from testbed.progress import Progress

__all__ = ["Answer", "Deployed", "deploy"]

_HELLO = f"{REGISTRY_HOST}/hello:1.0.0"
_LIMIT = 240
"""Seconds until applications that are not healthy count as failed."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an application said when asked over HTTP."""

    environment: str
    url: str
    pod: str
    node: str


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What is there once the platform is up; without a real node nothing is asked for."""

    answers: Sequence[Answer] = ()
    hubs: Sequence[str] = ()
    """The environments that have a JupyterHub, in the order of promotion."""


def deploy(context: Context, environment: Mapping[str, str], progress: Progress) -> Deployed:
    """Bring the three stacks up and wait until their applications answer.

    Args:
        context: a testbed that is up.
        environment: what ``bighpc testbed env`` exports.
        progress: gets the steps.

    Raises:
        UserError: naming what failed and why.
    """
    with progress.live():
        known = variables(context)
        if deployed.is_same(context, deployed.fingerprint(context, known)):
            progress.note(
                "nothing has changed since the stacks were brought up: no pulumi up (`bighpc drift` looks closer)"
            )
        else:
            _bring_up(context, environment, progress)
            deployed.remember(context, deployed.fingerprint(context, known))
        if not context.real_node:
            progress.note("there is no real node here, so the applications' pods have nowhere to run")
            return Deployed()
        names = _await_applications(context, progress)
        hubs = [each for each in reversed(stacks.ORDER) if f"jupyterhub-{each}" in names]
        return Deployed(answers=_ask(context, progress), hubs=hubs)


def _bring_up(context: Context, environment: Mapping[str, str], progress: Progress) -> None:
    """Bring everything up that the applications need, and fill the repositories in between."""
    with progress.step(f"image {_HELLO}"):
        push_program_image(context, context.tools.path("hello"), _HELLO)
    stacks.create_missing(environment)
    owner, *others = stacks.ORDER
    _up([owner], context, environment, progress)
    with progress.step("contents of the environment repository and the platform repository"):
        run("bighpc", "seed", environment=environment)
        if obstacle := _no_history():
            progress.note(f"the platform repository stays empty, so the operator has nothing to run: {obstacle}")
        else:
            run("bighpc", "seed", "--platform", directory=stacks.CHECKOUT, environment=environment)
    _up(others, context, environment, progress)


def _no_history() -> str | None:
    """Why the checkout has no history to push, if it has none."""
    try:
        shallow = run("git", "-C", stacks.CHECKOUT, "rev-parse", "--is-shallow-repository").strip()
    except UserError:
        return f"{stacks.CHECKOUT} is no git repository"
    return f"{stacks.CHECKOUT} is a shallow clone (git fetch --unshallow)" if shallow == "true" else None


def _up(names: Sequence[str], context: Context, environment: Mapping[str, str], progress: Progress) -> None:
    """Bring stacks up side by side, which do not depend on each other."""
    with (
        progress.step(f"pulumi up --stack {' and '.join(names)}") as detail,
        ThreadPoolExecutor(max_workers=len(names)) as pool,
    ):
        runs = [
            pool.submit(stacks.up, name, environment, context.layout.config, partial(_of, name, detail))
            for name in names
        ]
        failures = [error for run in runs if (error := run.exception())]
        if failures:
            raise UserError("\n".join(map(str, failures)))


def _of(name: str, detail: Callable[[str], None], text: str) -> None:
    detail(f"{name}: {text}")


def _await_applications(context: Context, progress: Progress) -> set[str]:
    """Wait until Argo CD calls every application synced and healthy; returns their names."""
    with progress.step("applications healthy in Argo CD") as detail:
        deadline = time.monotonic() + _LIMIT
        while True:
            applications = _applications(context)
            unready = [reason for item in applications if (reason := _unready(item))]
            if not unready:
                return {item["metadata"]["name"] for item in applications}
            if time.monotonic() > deadline:
                raise UserError(f"after {_LIMIT} s Argo CD still reports:\n  " + "\n  ".join(unready))
            detail("; ".join(" ".join(reason.split())[:160] for reason in unready))
            time.sleep(0.5)


def _applications(context: Context) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _kubectl(context, "get", "applications", "--namespace=argocd")["items"]
    return items


def _unready(application: dict[str, Any]) -> str | None:
    status = application.get("status", {})
    sync = status.get("sync", {}).get("status", "not compared yet")
    health = status.get("health", {})
    if sync == "Synced" and health.get("status") == "Healthy":
        return None
    reasons = [condition["message"] for condition in status.get("conditions", [])]
    reasons += [health["message"]] if health.get("message") else []
    return f"{application['metadata']['name']}: {sync}, {health.get('status', 'health unknown')}" + "".join(
        f"\n    {reason}" for reason in reasons
    )


def _ask(context: Context, progress: Progress) -> list[Answer]:
    """Ask the hello application of every environment over its Service's cluster IP."""
    answers = []
    for environment in reversed(stacks.ORDER):
        with progress.step(f"hello answers in {environment}"):
            service = _kubectl(context, "get", "service", "hello", f"--namespace=bighpc-{environment}")
            url = f"http://{service['spec']['clusterIP']}/"
            try:
                with urllib.request.urlopen(url, timeout=10) as response:
                    body = json.load(response)
            except (OSError, ValueError) as error:
                raise UserError(f"{url} of environment {environment} does not answer: {error}") from None
            answers.append(Answer(environment=environment, url=url, pod=body["pod"], node=body["node"]))
    return answers


def _kubectl(context: Context, *arguments: str) -> dict[str, Any]:
    kubectl = (context.tools.path("kubectl"), f"--kubeconfig={context.layout.kubeconfig}")
    result: dict[str, Any] = json.loads(run(*kubectl, *arguments, "--output=json", limit_s=30))
    return result
