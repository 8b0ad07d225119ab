"""The front page, finding projects, signing in and out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from starlette.responses import Response

from testbed.gitlab.core.access import visible_groups, visible_projects
from testbed.gitlab.store import MergeRequest, Namespace, Pipeline, Project
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.signing_in import sign_in
from testbed.gitlab.web.summaries import code_readable, pipelines_readable, stages_by_pipeline
from testbed.gitlab.web.views.authorizing import policy_for
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

SHOWN = 8
"""Rows of each list on the front page."""


@views.site("/")
def dashboard(visit: Visit) -> Response:
    """What the visitor works with: groups, the newest pipelines, open merge requests."""
    groups = select(Namespace).where(
        Namespace.owner_id.is_(None), Namespace.parent_id.is_(None), visible_groups(visit.session, visit.actor)
    )
    pipelines = (
        select(Pipeline)
        .join(Project, Pipeline.project_id == Project.id)
        .where(pipelines_readable(visit.session, visit.actor))
        .options(joinedload(Pipeline.user), joinedload(Pipeline.merge_request))
        .order_by(Pipeline.id.desc())
        .limit(SHOWN)
    )
    requests = (
        select(MergeRequest)
        .join(Project, MergeRequest.project_id == Project.id)
        .where(code_readable(visit.session, visit.actor), MergeRequest.state == "opened")
        .options(joinedload(MergeRequest.author), joinedload(MergeRequest.project))
        .order_by(MergeRequest.id.desc())
        .limit(SHOWN)
    )
    projects = select(Project).where(visible_projects(visit.session, visit.actor))
    newest = list(visit.session.scalars(pipelines).unique())
    return visit.show(
        "dashboard.html",
        groups=list(visit.session.scalars(groups.order_by(Namespace.full_path))),
        projects=list(visit.session.scalars(projects.order_by(Project.last_activity_at.desc()).limit(SHOWN)).unique()),
        pipelines=newest,
        stages=stages_by_pipeline(visit.session, newest),
        requests=list(visit.session.scalars(requests).unique()),
    )


@views.site("/explore", "/explore/projects")
def explore(visit: Visit) -> Response:
    """Projects whose path or description has the words that are looked for."""
    words = visit.request.query_params.get("name", "").strip()
    found = select(Project).where(visible_projects(visit.session, visit.actor))
    for word in words.split()[:8]:
        found = found.where(
            Project.full_path.icontains(word, autoescape=True) | Project.description.icontains(word, autoescape=True)
        )
    return visit.show("explore.html", words=words, projects=visit.rows(found.order_by(Project.full_path)))


@views.site("/users/sign_in")
def ask_for_token(visit: Visit) -> Response:
    """The form for signing in."""
    wanted = _local(visit.request.query_params.get("return_to", "/"))
    if visit.actor.user is not None:
        return visit.go(wanted)
    return _sign_in_page(visit, wanted, None)


@views.site("/users/sign_in", method="POST")
def open_session(visit: Visit) -> Response:
    """Sign in."""
    wanted = _local(visit.form.get("return_to", "/"))
    problem = sign_in(visit.session, visit.request.session, visit.form.get("token", "").strip())
    if problem is None:
        return visit.go(wanted)
    return _sign_in_page(visit, wanted, problem)


@views.site("/users/sign_out", method="POST")
def close_session(visit: Visit) -> Response:
    """Sign out."""
    visit.request.session.clear()
    return visit.go("/users/sign_in")


@views.site("/groups/{path:path}")
def other_name(visit: Visit) -> Response:
    """The API names groups with ``/groups`` before; their pages are found without."""
    return visit.go(address(visit.args["path"]))


def _sign_in_page(visit: Visit, wanted: str, problem: str | None) -> Response:
    page = visit.show("sign_in.html", status=422 if problem else 200, wanted=wanted, problem=problem)
    page.headers["content-security-policy"] = policy_for(visit.session, wanted)
    return page


def _local(wanted: str) -> str:
    """An address on this page, whatever a link asked for."""
    return wanted if wanted.startswith("/") and wanted[1:2] not in ("/", "\\") and wanted.isprintable() else "/"
