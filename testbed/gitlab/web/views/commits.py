"""The history of a project, and single commits."""

from __future__ import annotations

import re
from itertools import islice

import pygit2
from pygit2.enums import SortMode
from sqlalchemy import select
from starlette.responses import Response

from testbed.gitlab.core.errors import not_found
from testbed.gitlab.merging.branches import commits_of
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Job, Pipeline
from testbed.gitlab.web import diffs
from testbed.gitlab.web.locating import locate
from testbed.gitlab.web.summaries import newest_pipelines
from testbed.gitlab.web.visits import PER_PAGE, Rows, Views, Visit

__all__ = ["views"]

views = Views()


@views.project("/commits/{address:path}")
def commits(visit: Visit) -> Response:
    """The history of a ref, newest first."""
    place = locate(visit.repository, visit.args["address"])
    rows = _history(visit.repository, place.commit, visit.page)
    return visit.show(
        "commits.html",
        project=visit.project,
        ref=place.ref,
        commits=rows,
        pipelines=newest_pipelines(visit, [str(each.id) for each in rows.items]),
    )


@views.project("/commit/{sha}")
def commit(visit: Visit) -> Response:
    """What one commit changed, and what pipelines and tools say about it."""
    found = resolve(visit.repository, visit.args["sha"])
    if found is None:
        raise not_found("Commit")
    sha = str(found.id)
    pipelines, statuses = _verdicts(visit, sha) if visit.sees_pipelines else ([], [])
    return visit.show(
        "commit.html",
        project=visit.project,
        commit=found,
        body=found.message.partition("\n")[2].strip(),
        files=diffs.of_commit(visit.repository, found),
        pipelines=pipelines,
        statuses=statuses,
    )


@views.project("/compare/{refs:path}")
def compare(visit: Visit) -> Response:
    """What a second ref has that a first one has not: ``first...second``, or ``first..second`` without their base."""
    first, dots, second = (
        re.split(r"(\.{2,3})", visit.args["refs"], maxsplit=1) if ".." in visit.args["refs"] else [""] * 3
    )
    source, target = resolve(visit.repository, first), resolve(visit.repository, second)
    if source is None or target is None:
        raise not_found("Ref")
    base = visit.repository.merge_base(source.id, target.id) if dots == "..." else source.id
    return visit.show(
        "compare.html",
        project=visit.project,
        first=first,
        second=second,
        head=str(target.id),
        commits=list(islice(commits_of(visit.repository, str(source.id), str(target.id)), PER_PAGE)),
        files=diffs.between(visit.repository, str(base or source.id), str(target.id)),
    )


def _verdicts(visit: Visit, sha: str) -> tuple[list[Pipeline], list[Job]]:
    """The pipelines of a commit, and the statuses that outside tools reported."""
    mine = select(Pipeline).where(Pipeline.project_id == visit.project.id, Pipeline.sha == sha)
    reported = (
        select(Job)
        .join(Pipeline, Job.pipeline_id == Pipeline.id)
        .where(Pipeline.project_id == visit.project.id, Pipeline.sha == sha, Job.kind == "external", ~Job.retried)
    )
    return (
        list(visit.session.scalars(mine.order_by(Pipeline.id.desc()).limit(10)).unique()),
        list(visit.session.scalars(reported.order_by(Job.id)).unique()),
    )


def _history(repository: pygit2.Repository, start: pygit2.Commit, page: int) -> Rows[pygit2.Commit]:
    walker = repository.walk(start.id, SortMode.TOPOLOGICAL | SortMode.TIME)
    begin = (page - 1) * PER_PAGE
    found = list(islice(walker, begin, begin + PER_PAGE + 1))
    return Rows(found[:PER_PAGE], page, len(found) > PER_PAGE)
