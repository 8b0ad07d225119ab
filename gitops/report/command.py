"""``bighpc report``: one page that says what runs where, from what is on record; nothing is compared anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gitlab.v4.objects import Project
from rich.console import Console

from gitops.connection import Connection
from gitops.markdown import cell
from gitops.parallel import run_all
from gitops.pulumi.stacks import stacks_of
from gitops.report.records import Deployment, Record, audited, deployed, drifted, outputs, updated

__all__ = ["Request", "render", "report"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to tell, and where."""

    directory: Path
    """The checkout."""
    out: Path
    """Where ``report.md`` goes."""
    project: str | None
    """The platform's project, by path or number; without it no deployments are told."""
    drift: Path | None
    """Where ``bighpc drift --out <directory>/<stack>`` wrote."""
    audit: Path | None
    """Where ``pulumi policy analyze`` wrote ``<stack>.log``."""


def report(request: Request, console: Console) -> Path:
    """Write the page.

    Args:
        request: what to tell.
        console: where progress goes.

    Returns:
        The page, as Markdown.

    Raises:
        CommandError: when the engine or GitLab cannot tell.
    """
    project = Connection.from_environment().project(request.project) if request.project else None
    looks = {f"records of {stack}": partial(_look, request, project, stack) for stack in stacks_of(request.directory)}
    request.out.mkdir(parents=True, exist_ok=True)
    page = request.out / "report.md"
    page.write_text(render(run_all(looks, console)))
    console.print(f"written: {page}", markup=False)
    return page


def render(records: Sequence[Record]) -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines(records)) + "\n"


def _look(request: Request, project: Project | None, stack: str, tell: Callable[[str], None]) -> Record:
    tell("asks the engine and GitLab")
    return Record(
        stack=stack,
        update=updated(request.directory, stack),
        deployment=deployed(project, stack) if project is not None else None,
        drift=drifted(request.drift, stack),
        policies=audited(request.audit, stack),
        outputs=outputs(request.directory, stack),
    )


def _lines(records: Sequence[Record]) -> Iterator[str]:
    yield from ("# What runs where", "", "| environment | last update | last deployment | drift | policies |")
    yield "|---|---|---|---|---|"
    for each in records:
        facts = (each.stack, _update(each), _deployment(each.deployment), each.drift, each.policies)
        yield f"| {' | '.join(facts)} |"
    for each in records:
        yield from ("", f"## {each.stack}", "")
        if not each.outputs:
            yield "It tells nothing."
            continue
        yield from ("| output | value |", "|---|---|")
        yield from (f"| `{name}` | {cell(_text(value))} |" for name, value in sorted(each.outputs.items()))


def _update(record: Record) -> str:
    if record.update is None:
        return "never"
    return " ".join(filter(None, (record.update.result, _commit(record.update.commit), record.update.ended)))


def _deployment(deployment: Deployment | None) -> str:
    if deployment is None:
        return "none"
    commit = _commit(deployment.commit)
    return f"{f'[{commit}]({deployment.url})' if deployment.url else commit} {deployment.ended}"


def _commit(name: str) -> str:
    return f"`{name[:8]}`" if name else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
