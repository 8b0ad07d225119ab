"""Branches, tags and releases."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from starlette.responses import Response

from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import Release
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import newest_pipelines
from testbed.gitlab.web.visits import PER_PAGE, Rows, Views, Visit

__all__ = ["views"]

views = Views()


@dataclass(frozen=True)
class Ref:
    """A branch or tag with the commit that it names."""

    name: str
    commit: pygit2.Commit
    protected: bool


@views.project("/branches")
def branches(visit: Visit) -> Response:
    """The branches: the default branch first, then by their last change."""
    return _refs(visit, "branch", BRANCHES)


@views.project("/tags")
def tags(visit: Visit) -> Response:
    """The tags, by date."""
    return _refs(visit, "tag", TAGS)


@views.project("/tags/{name:path}")
def tag(visit: Visit) -> Response:
    """A tag is the files at it."""
    return visit.go(address(visit.project, "tree", visit.args["name"]))


@views.project("/releases", "/releases/{tag:path}")
def releases(visit: Visit) -> Response:
    """All releases, or the one of a tag."""
    visit.need_code()
    found = select(Release).where(Release.project_id == visit.project.id)
    if "tag" in visit.args:
        found = found.where(Release.tag == visit.args["tag"])
    found = found.options(joinedload(Release.author), selectinload(Release.links)).order_by(Release.released_at.desc())
    return visit.show("releases.html", project=visit.project, releases=visit.rows(found))


def _refs(visit: Visit, kind: str, prefix: str) -> Response:
    names = [name for name in visit.repository.references if name.startswith(prefix)]
    policy = push_policy(visit.session, visit.actor, visit.project)
    found = []
    for full in names:
        commit = visit.repository.references[full].peel(pygit2.Commit)
        name = full.removeprefix(prefix)
        found.append(Ref(name, commit, bool(policy.matching(kind, name))))
    default = visit.project.default_branch
    found.sort(key=lambda ref: (kind == "branch" and ref.name == default, ref.commit.commit_time), reverse=True)
    begin = (visit.page - 1) * PER_PAGE
    rows = Rows(found[begin : begin + PER_PAGE], visit.page, len(found) > begin + PER_PAGE)
    return visit.show(
        "refs.html",
        project=visit.project,
        kind=kind,
        refs=rows,
        pipelines=newest_pipelines(visit, [str(ref.commit.id) for ref in rows.items]),
    )
