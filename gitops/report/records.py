"""What is on record of one environment: with the engine, in GitLab, and in what other commands wrote."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from gitlab.v4.objects import Project

from gitops.connection import gitlab_asked
from gitops.errors import CommandError
from gitops.pulumi.engine import missing_engine

__all__ = ["UNKNOWN", "Deployment", "Record", "Update", "audited", "deployed", "drifted", "outputs", "updated"]

UNKNOWN: Final = "not looked at"
_LIMIT_S: Final = 120


@dataclass(frozen=True, kw_only=True)
class Update:
    """The last update of a stack."""

    result: str
    """The engine's word, such as ``succeeded``."""
    ended: str
    """In ISO 8601, as the engine writes it."""
    commit: str
    """Empty when the update did not run in a checkout."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The last successful deployment that GitLab knows of."""

    commit: str
    ended: str
    """In ISO 8601."""
    url: str
    """The job's page; empty for a deployment that no job made."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """All of it."""

    stack: str
    update: Update | None
    deployment: Deployment | None
    drift: str
    """In a few words."""
    policies: str
    """In a few words."""
    outputs: Mapping[str, Any]
    """What the stack tells, secrets as ``[secret]``."""


def updated(directory: Path, stack: str) -> Update | None:
    """Return the last update of a stack; nothing when it was never brought up.

    Raises:
        CommandError: when the engine cannot tell.
    """
    found = _ask(directory, stack, "history", "--json", "--page-size=1", "--page=1")
    if not found:
        return None
    last = found[0]
    commit = (last.get("environment") or {}).get("git.head", "")
    return Update(result=last["result"], ended=last["endTime"], commit=commit)


def outputs(directory: Path, stack: str) -> Mapping[str, Any]:
    """Return what a stack tells, secrets as ``[secret]``.

    Raises:
        CommandError: when the engine cannot tell.
    """
    found: Mapping[str, Any] = _ask(directory, stack, "output", "--json") or {}
    return found


def deployed(project: Project, environment: str) -> Deployment | None:
    """Return the last successful deployment to an environment.

    Raises:
        CommandError: when GitLab refuses.
    """
    with gitlab_asked(
        f"for the deployments to {environment}",
        "Look whether GITLAB_TOKEN's user has the role Reporter or more in the project.",
        later="Look whether it runs, and run it again.",
    ):
        found = cast(
            Iterable[Any],
            project.deployments.list(
                environment=environment, status="success", order_by="id", sort="desc", per_page=1, get_all=False
            ),
        )
        last = next(iter(found), None)
    if last is None:
        return None
    job = getattr(last, "deployable", None) or {}
    return Deployment(commit=last.sha, ended=last.updated_at, url=job.get("web_url") or "")


def drifted(directory: Path | None, stack: str) -> str:
    """Return what ``bighpc drift --out <directory>/<stack>`` found, in a few words."""
    file = directory / stack / "drift.json" if directory else None
    if file is None or not file.is_file():
        return UNKNOWN
    found = [each for each in json.loads(file.read_text()) if each["stack"] == stack]
    if not found or found[0]["errors"]:
        return "could not be told"
    count = len(found[0]["findings"])
    return f"{count} found" if count else "none"


def audited(directory: Path | None, stack: str) -> str:
    """Return what ``pulumi policy analyze`` said in ``<directory>/<stack>.log``, in a few words."""
    file = directory / f"{stack}.log" if directory else None
    if file is None or not file.is_file():
        return UNKNOWN
    text = file.read_text()
    counts = {level: text.count(f"[{level}]") for level in ("mandatory", "advisory")}
    return ", ".join(f"{number} {level}" for level, number in counts.items() if number) or "none violated"


def _ask(directory: Path, stack: str, *arguments: str) -> Any:
    command = ("pulumi", "stack", *arguments, f"--stack={stack}", "--non-interactive")
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except FileNotFoundError:
        raise missing_engine() from None
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"pulumi stack {arguments[0]} of {stack} does not end within {_LIMIT_S} s", "Look at the state's backend."
        ) from None
    if done.returncode:
        raise CommandError(
            f"pulumi stack {arguments[0]} of {stack} failed: {' '.join(done.stderr.split())}",
            "Look whether the stack is there and PULUMI_BACKEND_URL is right.",
        )
    return json.loads(done.stdout)
