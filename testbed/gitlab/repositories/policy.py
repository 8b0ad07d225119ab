"""What an actor may do to the branches and tags of a project."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import ANONYMOUS, Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.repositories.rules import BRANCHES, TAGS, PushPolicy, Rule
from testbed.gitlab.store import Access, Member, Project, ProtectedRef

__all__ = ["is_protected", "protect_default_branch", "push_policy"]

# `default_branch_protection_defaults` of a group, as the numbers of the older `default_branch_protection`:
# none, developers push, fully protected, developers merge, fully protected but developers make the first push.
_PUSH_LEVEL = {1: Level.DEVELOPER, 2: Level.MAINTAINER, 3: Level.MAINTAINER, 4: Level.MAINTAINER}
_MERGE_LEVEL = {1: Level.MAINTAINER, 2: Level.MAINTAINER, 3: Level.DEVELOPER, 4: Level.MAINTAINER}


def push_policy(session: Session, actor: Actor, project: Project) -> PushPolicy:
    """The project's protections, as they apply to an actor."""
    level = level_of(session, actor, project)
    protections = session.scalars(select(ProtectedRef).where(ProtectedRef.project_id == project.id))
    rules = tuple(
        Rule(
            kind=each.kind,
            pattern=each.name,
            push=_allows(session, actor, level, each.allowed("push" if each.kind == "branch" else "create")),
            merge=_allows(session, actor, level, each.allowed("merge")),
            force=bool(each.attributes.get("allow_force_push")),
        )
        for each in protections
    )
    return PushPolicy(default_branch=project.default_branch, maintainer=level >= Level.MAINTAINER, rules=rules)


def is_protected(session: Session, project: Project, ref: str) -> bool:
    """Whether a protection covers a branch or tag, given with its full name."""
    kind, name = ("branch", ref.removeprefix(BRANCHES)) if ref.startswith(BRANCHES) else ("tag", ref.removeprefix(TAGS))
    return bool(push_policy(session, ANONYMOUS, project).matching(kind, name))


def protect_default_branch(session: Session, project: Project) -> None:
    """Protect a default branch that was just born, as the group says."""
    setting = 2
    for group in project.namespace.lineage():
        if "default_branch_protection" in group.attributes:
            setting = group.attributes["default_branch_protection"]
            break
    name = project.default_branch
    already = select(ProtectedRef).where(
        ProtectedRef.project_id == project.id, ProtectedRef.kind == "branch", ProtectedRef.name == name
    )
    if setting == 0 or session.scalar(already) is not None:
        return
    accesses = [
        Access(action="push", access_level=_PUSH_LEVEL[setting]),
        Access(action="merge", access_level=_MERGE_LEVEL[setting]),
    ]
    session.add(ProtectedRef(project_id=project.id, kind="branch", name=name, accesses=accesses))
    session.flush()


def _allows(session: Session, actor: Actor, level: Level, accesses: list[Access]) -> bool:
    return any(_matches(session, actor, level, access) for access in accesses)


def _matches(session: Session, actor: Actor, level: Level, access: Access) -> bool:
    if actor.user is None:
        return False
    if access.user_id is not None:
        return access.user_id == actor.user.id
    if access.group_id is not None:
        inside = select(Member.id).where(Member.namespace_id == access.group_id, Member.user_id == actor.user.id)
        return session.scalar(inside) is not None
    if access.deploy_key_id is not None or access.access_level is Level.NONE:
        return False
    if access.access_level is Level.ADMIN:
        return actor.admin
    return level >= access.access_level
