"""The front page of a project."""

from __future__ import annotations

import pygit2
from markupsafe import Markup
from sqlalchemy import func, select
from starlette.responses import Response

from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Environment, MergeRequest, Pipeline
from testbed.gitlab.web.markup import Links, markdown
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import directory, last_deployments, stages_by_pipeline
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

READMES = ("readme.md", "readme.markdown", "readme.txt", "readme")


@views.project("/")
def project(visit: Visit) -> Response:
    """What a project is, where it stands, and its files."""
    here = visit.project
    if not visit.reads_code:
        return visit.show("project_closed.html", project=here)
    head = resolve(visit.repository, here.default_branch)
    newest = select(Pipeline).where(Pipeline.project_id == here.id, Pipeline.ref == here.default_branch)
    pipeline = visit.session.scalar(newest.order_by(Pipeline.id.desc()).limit(1)) if visit.sees_pipelines else None
    available = select(Environment).where(Environment.project_id == here.id, Environment.state == "available")
    environments = list(visit.session.scalars(available.order_by(Environment.name)))
    requests = select(func.count()).select_from(MergeRequest)
    return visit.show(
        "project.html",
        project=here,
        ref=here.default_branch,
        head=head,
        entries=directory(head.tree) if head else [],
        path="",
        readme=_readme(visit, head) if head else None,
        branches=len(list(visit.repository.branches.local)),
        tags=sum(name.startswith("refs/tags/") for name in visit.repository.references),
        open_requests=visit.session.scalar(
            requests.where(MergeRequest.project_id == here.id, MergeRequest.state == "opened")
        ),
        pipeline=pipeline,
        stages=stages_by_pipeline(visit.session, [pipeline] if pipeline else []),
        environments=environments,
        deployments=last_deployments(visit.session, environments),
        clone_url=f"{visit.forge.url(here.full_path)}.git",
    )


def _readme(visit: Visit, head: pygit2.Commit) -> dict[str, Markup | str | None] | None:
    """The project's README, as Markdown or as it is."""
    names = {(entry.name or "").lower(): entry.name or "" for entry in head.tree}
    for name in (names[readme] for readme in READMES if readme in names):
        found = head.tree[name]
        if isinstance(found, pygit2.Blob) and not found.is_binary:
            text = found.data.decode(errors="replace")
            if not name.lower().endswith((".md", ".markdown")):
                return {"name": name, "text": text, "html": None}
            links = Links(address(visit.project), visit.project.default_branch)
            return {"name": name, "text": None, "html": markdown(text, links)}
    return None
