"""Groups, and the namespaces of users."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from testbed.gitlab.core.access import effective_members, visible_groups, visible_projects
from testbed.gitlab.store import Namespace, Project, Runner
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()


@views.group("/")
def group(visit: Visit) -> Response:
    """What a group contains, and who belongs to it."""
    here = visit.group
    groups = select(Namespace).where(Namespace.parent_id == here.id, visible_groups(visit.session, visit.actor))
    projects = select(Project).where(Project.namespace_id == here.id, visible_projects(visit.session, visit.actor))
    runners = select(func.count()).select_from(Runner).where(Runner.namespace_id == here.id)
    return visit.show(
        "group.html",
        group=here,
        groups=list(visit.session.scalars(groups.order_by(Namespace.name))),
        projects=visit.rows(projects.order_by(Project.name)),
        members=sorted(effective_members(visit.session, here), key=lambda row: (-row.access_level, row.user.username)),
        runners=visit.session.scalar(runners),
    )
