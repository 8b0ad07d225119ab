"""Issues."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select
from starlette.responses import Response

from testbed.gitlab.api.issuable_filter import listed
from testbed.gitlab.api.issuables import find_issue
from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Issue, User
from testbed.gitlab.web.discussions import label_colours, threads_on
from testbed.gitlab.web.listing import in_state
from testbed.gitlab.web.markup import Links
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

STATES = ("opened", "closed", "all")


@views.project("/issues", "/work_items")
def issues(visit: Visit) -> Response:
    """The issues in one state, newest first; confidential ones are for members and whom they concern."""
    mine = select(Issue).where(Issue.project_id == visit.project.id)
    if visit.level < Level.PLANNER:
        shown: list[ColumnElement[bool]] = [Issue.confidential.is_(False)]
        if visit.actor.user is not None:
            user = visit.actor.user.id
            shown += [Issue.author_id == user, listed(Issue.assignee_ids, user)]
        mine = mine.where(or_(*shown))
    listing = in_state(visit, Issue, mine, STATES)
    return visit.show(
        "issues.html",
        project=visit.project,
        issues=listing.rows,
        state=listing.state,
        counts=listing.counts,
        labels=listing.labels,
    )


@views.project("/issues/{iid}", "/work_items/{iid}")
def issue(visit: Visit) -> Response:
    """One issue, and what was said about it."""
    found = find_issue(visit.call)
    people = select(User).where(User.id.in_(found.assignee_ids))
    return visit.show(
        "issue.html",
        project=visit.project,
        issue=found,
        people={user.id: user for user in visit.session.scalars(people)},
        labels=label_colours(visit, [found]),
        threads=threads_on(visit, found),
        links=Links(address(visit.project), visit.project.default_branch),
    )
