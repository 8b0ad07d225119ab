"""Who may see and do what in groups and projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.job_tokens import admits
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
    "scope_refusal",
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
    if actor.job is not None and not (isinstance(container, Project) and admits(session, actor.job, container)):
        return Level.NONE
    if actor.user.admin or any(
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


def scope_refusal(session: Session, actor: Actor, project: Project) -> str | None:
    """Why a job token does not open a project that its user sees otherwise."""
    if actor.job is None or can_see(session, actor, project):
        return None
    if not can_see(session, Actor(user=actor.user), project):
        return None
    source = actor.job.project.full_path
    return (
        f"Authentication by CI/CD job token not allowed from {source} to {project.full_path}. "
        f"Add {source} to the job token allowlist of {project.full_path}."
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
    mine = _memberships(session, actor)
    opened = Project.visibility.in_(_open_visibilities(actor))
    return or_(opened, Project.id.in_(list(mine.projects)), *mine.below(Project.full_path))


def visible_groups(session: Session, actor: Actor) -> ColumnElement[bool]:
    """The condition that a group may be seen: open, a membership at or above it, or one somewhere below it."""
    if actor.admin:
        return true()
    mine = _memberships(session, actor)
    above = {up for path in [*mine.namespaces, *mine.projects.values()] for up in _above(path)}
    return or_(
        Namespace.visibility.in_(_open_visibilities(actor)),
        Namespace.full_path.in_(sorted(above | mine.namespaces)),
        *mine.below(Namespace.full_path),
    )


def member_of(session: Session, actor: Actor, at_least: Level) -> ColumnElement[bool]:
    """The condition that the actor is a member of a project, with at least a role."""
    if actor.user is None:
        return false()
    mine = _memberships(session, actor, at_least)
    return or_(Project.id.in_(list(mine.projects)), *mine.below(Project.full_path))


def member_of_group(session: Session, actor: Actor, at_least: Level) -> ColumnElement[bool]:
    """The condition that the actor is a member of a group, inherited or not, with at least a role."""
    if actor.user is None:
        return false()
    mine = _memberships(session, actor, at_least)
    return or_(Namespace.full_path.in_(sorted(mine.namespaces)), *mine.below(Namespace.full_path))


@dataclass(frozen=True)
class _Memberships:
    """Where a user belongs: paths of namespaces, own one included, and projects with their paths."""

    namespaces: frozenset[str] = frozenset()
    projects: Mapping[int, str] = field(default_factory=dict)

    def below(self, column: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
        """The conditions that a full path is inside one of the namespaces."""
        outermost = [path for path in self.namespaces if not any(up in self.namespaces for up in _above(path))]
        return [column.startswith(f"{path}/", autoescape=True) for path in sorted(outermost)]


def _memberships(session: Session, actor: Actor, at_least: Level = Level.MINIMAL) -> _Memberships:
    if actor.user is None:
        return _Memberships()
    mine = (
        (Member.user_id == actor.user.id)
        & (Member.expires_at.is_(None) | (Member.expires_at > today()))
        & Member.access_level.in_([level for level in Level if level >= at_least])
    )
    own = select(Namespace.full_path).where(Namespace.owner_id == actor.user.id)
    groups = select(Namespace.full_path).join(Member, Member.namespace_id == Namespace.id).where(mine)
    projects = select(Project.id, Project.full_path).join(Member, Member.project_id == Project.id).where(mine)
    return _Memberships(
        frozenset([*session.scalars(own), *session.scalars(groups)]),
        dict(session.execute(projects).all()),
    )


def _above(path: str) -> list[str]:
    """The paths of everything above."""
    parts = path.split("/")
    return ["/".join(parts[:size]) for size in range(1, len(parts))]


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
