"""``bighpc promote``: proposes what runs in one environment to the next, with the evidence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from gitlab.v4.objects import Project, ProjectMergeRequest
from rich.console import Console

from gitops.checkout import git
from gitops.cluster import connect
from gitops.connection import Connection, gitlab_asked
from gitops.errors import CommandError
from gitops.parallel import run_all
from gitops.promote.description import Difference, Preview, render
from gitops.promote.evidence import Delivery, Evidence, deliveries, gather
from gitops.pulumi import engine
from gitops.pulumi.plan import Plan
from gitops.release.history import head_of

__all__ = ["NEXT", "Request", "promote"]

NEXT: Final = {"dev": "preview", "preview": "prod"}
"""Each environment's next one."""

_REMEDY: Final = "Name the project whose branches are the environments with --project or --repository."
"""What to do when there is no branch of an environment's name."""

_REFUSED: Final = ("failed", "canceled")
"""What the latest pipeline must not be; it may run still: this may be a job of it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to promote."""

    source: str
    """An environment, which has the name of its branch."""
    target: str
    project: str
    """The repository's project, by path or number."""
    directory: Path
    """The checkout; when it is at the commit, the target's stack is previewed there."""
    out: Path
    """Where the logs of that preview go."""
    limit_s: float
    """Seconds for it."""


def promote(request: Request, connection: Connection, console: Console) -> str | None:
    """Open or update the promotion's merge request.

    Args:
        request: what to promote.
        connection: how to call GitLab.
        console: where progress and the summary go.

    Returns:
        The merge request's address; None when there is nothing to promote.

    Raises:
        CommandError: when it must not or cannot be promoted, with the reason.
    """
    source, target = request.source, request.target
    if NEXT.get(source) != target:
        ways = ", ".join(f"{first} {second}" for first, second in NEXT.items())
        raise CommandError(f"{source} is not promoted to {target}", f"Promote one step at a time: {ways}.")
    project = connection.project(request.project)
    with gitlab_asked(
        f"about {project.path_with_namespace}",
        "Look whether GITLAB_TOKEN has the scope api and its user the role Developer or more.",
    ):
        commit = head_of(project, source, _REMEDY)
        head_of(project, target, _REMEDY)
        difference = _difference(project, target, commit)
        if not difference.commits:
            console.print(f"nothing to promote: {target} has everything that {source} has", markup=False)
            return None
        evidence = gather(project, source, commit)
        applications = _ran(project, source, evidence)
        preview = _preview(request, commit, console)
        description = render(source, target, evidence, applications, difference, preview)
        merge_request, done = _written(project, source, target, description)
    console.print(f"{done}: {merge_request.web_url}", markup=False, soft_wrap=True)
    return str(merge_request.web_url)


def _difference(project: Project, target: str, commit: str) -> Difference:
    compared = cast(dict[str, Any], project.repository_compare(target, commit))
    files = {str(each["new_path"]) for each in compared["diffs"]}
    return Difference(commits=compared["commits"], files=sorted(files))


def _ran(project: Project, source: str, evidence: Evidence) -> list[Delivery]:
    """Refuse a commit that never ran in its environment; what Argo CD delivered has no deployment in GitLab.

    Raises:
        CommandError: with the reason.
    """
    latest = evidence.pipelines[0] if evidence.pipelines else None
    if latest is not None and latest.status in _REFUSED:
        raise CommandError(
            f"the pipeline of {evidence.commit[:8]} {latest.status}: {latest.url}",
            f"Mend it on {source}, or run it again, and promote when it has passed.",
        )
    if evidence.deployment is not None:
        return []
    found, why = _delivered(project, source)
    behind = [each for each in found if not each.is_at(evidence.commit)]
    if found and not behind:
        return found
    states = [f"{each.application} is {each.sync} and {each.health} at {each.revision[:8] or '?'}" for each in behind]
    if not states:
        last = evidence.last_deployed
        states = [f"the last deployment is of {last[:8]}" if last else "nothing was ever deployed there", why]
    raise CommandError(
        f"{evidence.commit[:8]}, the head of {source}, never ran in {source}: {'; '.join(filter(None, states))}",
        f"Let the pipeline of {source} end, or Argo CD finish its sync, and promote again.",
    )


def _delivered(project: Project, source: str) -> tuple[list[Delivery], str]:
    """What Argo CD says about the branch, or why it could not be asked."""
    try:
        with connect({}) as client:
            return deliveries(client, project.http_url_to_repo, source), ""
    except CommandError as error:
        return [], f"Argo CD could not be asked ({error.reason})"


def _preview(request: Request, commit: str, console: Console) -> Preview:
    """Preview the target's stack with the program of the commit, where that can be done."""
    missing = _why_not(request, commit)
    if missing:
        return Preview(plan=None, missing=missing)
    request.out.mkdir(parents=True, exist_ok=True)

    def run(tell: Callable[[str], None]) -> Plan:
        return engine.run(engine.preview(request.target, request.directory, request.out, request.limit_s), tell)

    [plan] = run_all({f"preview of {request.target}": run}, console)
    return Preview(plan=plan)


def _why_not(request: Request, commit: str) -> str:
    if not (request.directory / f"Pulumi.{request.target}.yaml").is_file():
        return f"the command ran outside a checkout of the platform (no `Pulumi.{request.target}.yaml`)."
    try:
        head = git(request.directory, "rev-parse", "HEAD").strip()
        changed = git(request.directory, "status", "--porcelain", "--untracked-files=no").strip()
    except CommandError as error:
        return f"{error.reason}."
    if head != commit:
        return f"the checkout that the command ran in is not at {commit[:8]}."
    if changed:
        return "the checkout that the command ran in has changes that are not committed."
    return "" if shutil.which("pulumi") else "there was no Pulumi command line where the command ran."


def _written(project: Project, source: str, target: str, description: str) -> tuple[ProjectMergeRequest, str]:
    listed = project.mergerequests.list(iterator=True, state="opened", source_branch=source, target_branch=target)
    for each in listed:
        # A fork has branches of these names too.
        if isinstance(each, ProjectMergeRequest) and each.source_project_id == project.id:
            if (each.description or "").strip() == description:
                return each, "up to date already"
            each.description = description
            each.save()
            return each, "updated"
    asked = {
        "source_branch": source,
        "target_branch": target,
        "title": f"Promote {source} to {target}",
        "description": description,
        "remove_source_branch": False,
        "squash": False,
    }
    return project.mergerequests.create(asked), "opened"
