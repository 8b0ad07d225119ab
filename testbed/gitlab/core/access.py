"""Who may see and do what in groups and projects."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.store import Container, Member, Namespace, Project

__all__ = [
    "can_see",
    "effective_members",
    "level_of",
    "lineage",
    "member_of",
    "member_of_group",
    "memberships_in",
    "reads_code",
    "visible_groups",
    "visible_projects",
]


def lineage(container: Container) -> list[Container]:
    """The container and everything above it, from near to far."""
    if isinstance(container, Project):
        return [container, *container.namespace.lineage()]
    return list(container.lineage())


def effective_members(session: Session, container: Container) -> list[Member]:
    """Direct and inherited members, each user once, with the highest role."""
    best: dict[int, Member] = {}
    rows = session.scalars(select(Member).where(Member.of(*lineage(container))).order_by(Member.id))
    for row in rows:
        if row.expires_at is not None and row.expires_at <= today():
            continue
        if row.user_id not in best or best[row.user_id].access_level < row.access_level:
            best[row.user_id] = row
    return list(best.values())


def memberships_in(session: Session, actor: Actor, container: Container) -> list[Member]:
    """The actor's own memberships in the container and above it."""
    if actor.user is None:
        return []
    mine = select(Member).where(Member.user_id == actor.user.id, Member.of(*lineage(container)))
    return [row for row in session.scalars(mine) if row.expires_at is None or row.expires_at > today()]


def level_of(session: Session, actor: Actor, container: Container) -> Level:
    """The actor's role, inherited roles included."""
    if actor.user is None:
        return Level.NONE
    if actor.admin or any(
        isinstance(item, Namespace) and item.owner_id == actor.user.id for item in lineage(container)
    ):
        return Level.OWNER
    return max((row.access_level for row in memberships_in(session, actor, container)), default=Level.NONE)


def can_see(session: Session, actor: Actor, container: Container, level: Level | None = None) -> bool:
    """Whether the container exists, as far as the actor can tell; `level` is the actor's role, when it is known."""
    if actor.deploy_token is not None:
        return actor.deploy_token.container in lineage(container)
    if level is None:
        level = level_of(session, actor, container)
    if _open_to(actor, container.visibility) or level > Level.NONE:
        return True
    if isinstance(container, Project) or actor.user is None:
        return False
    return (
        session.scalar(select(Namespace.id).where(Namespace.id == container.id, visible_groups(session, actor)))
        is not None
    )


def reads_code(session: Session, actor: Actor, project: Project) -> bool:
    """Whether the actor may fetch: guests of private projects may not."""
    if actor.deploy_token is not None:
        return can_see(session, actor, project)
    return _open_to(actor, project.visibility) or level_of(session, actor, project) >= Level.REPORTER


def visible_projects(session: Session, actor: Actor) -> ColumnElement[bool]:
    """The condition that a project may be seen."""
    if actor.admin:
        return true()
    paths, projects = _memberships(session, actor)
    return or_(
        Project.visibility.in_(_open_visibilities(actor)),
        Project.id.in_([project.id for project in projects]),
        *(Project.full_path.startswith(f"{path}/", autoescape=True) for path in paths),
    )


def visible_groups(session: Session, actor: Actor) -> ColumnElement[bool]:
    """The condition that a group may be seen: open, a membership at or above it, or one somewhere below it."""
    if actor.admin:
        return true()
    paths, projects = _memberships(session, actor)
    above = {"/".join(parts[:size]) for parts in _split(paths, projects) for size in range(1, len(parts))}
    return or_(
        Namespace.visibility.in_(_open_visibilities(actor)),
        Namespace.full_path.in_(above | set(paths)),
        *(Namespace.full_path.startswith(f"{path}/", autoescape=True) for path in paths),
    )


def member_of(session: Session, actor: Actor, at_least: Level) -> ColumnElement[bool]:
    """The condition that the actor is a member of a project, with at least a role."""
    if actor.user is None:
        return false()
    paths, projects = _memberships(session, actor, at_least)
    return or_(
        Project.id.in_([project.id for project in projects]),
        *(Project.full_path.startswith(f"{path}/", autoescape=True) for path in paths),
    )


def member_of_group(session: Session, actor: Actor, at_least: Level) -> ColumnElement[bool]:
    """The condition that the actor is a member of a group, inherited or not, with at least a role."""
    if actor.user is None:
        return false()
    paths, _ = _memberships(session, actor, at_least)
    return or_(
        Namespace.full_path.in_(paths),
        *(Namespace.full_path.startswith(f"{path}/", autoescape=True) for path in paths),
    )


def _memberships(session: Session, actor: Actor, at_least: Level = Level.MINIMAL) -> tuple[list[str], list[Project]]:
    if actor.user is None:
        return [], []
    rows = [
        row
        for row in session.scalars(select(Member).where(Member.user_id == actor.user.id))
        if (row.expires_at is None or row.expires_at > today()) and row.access_level >= at_least
    ]
    own = session.scalars(select(Namespace.full_path).where(Namespace.owner_id == actor.user.id))
    paths = [*own, *(row.namespace.full_path for row in rows if row.namespace)]
    return paths, [row.project for row in rows if row.project]


def _split(paths: list[str], projects: list[Project]) -> list[list[str]]:
    return [path.split("/") for path in [*paths, *(project.full_path for project in projects)]]


def _open_visibilities(actor: Actor) -> list[Visibility]:
    return [visibility for visibility in Visibility if _open_to(actor, visibility)]


def _open_to(actor: Actor, visibility: Visibility) -> bool:
    match visibility:
        case Visibility.PUBLIC:
            return True
        case Visibility.INTERNAL:
            return actor.user is not None and not actor.user.external
        case _:
            return False
