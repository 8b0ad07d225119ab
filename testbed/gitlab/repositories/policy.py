"""What an actor may do to the branches and tags of a project."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import ANONYMOUS, Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.repositories.defaults import of_project
from testbed.gitlab.repositories.rules import BRANCHES, TAGS, PushPolicy, Rule
from testbed.gitlab.store import Access, Member, Project, ProtectedRef

__all__ = ["is_protected", "protect_default_branch", "push_policy"]


def push_policy(session: Session, actor: Actor, project: Project, *, empty: bool = False) -> PushPolicy:
    """The project's protections, as they apply to an actor.

    While the repository is `empty`, no branch can be protected by name, so the coming default protection covers all.
    """
    level = level_of(session, actor, project)
    protections = session.scalars(select(ProtectedRef).where(ProtectedRef.project_id == project.id))
    rules = [
        Rule(
            kind=each.kind,
            pattern=each.name,
            push=_allows(session, actor, level, each.allowed("push" if each.kind == "branch" else "create")),
            merge=_allows(session, actor, level, each.allowed("merge")),
            force=bool(each.attributes.get("allow_force_push")),
        )
        for each in protections
    ]
    if empty:
        beginner = Level.DEVELOPER if of_project(project).developers_begin else Level.MAINTAINER
        rules.append(Rule(kind="branch", pattern="*", push=level >= beginner))
    maintainer = level >= Level.MAINTAINER
    return PushPolicy(default_branch=project.default_branch, maintainer=maintainer, rules=tuple(rules))


def is_protected(session: Session, project: Project, ref: str) -> bool:
    """Whether a protection covers a branch or tag, given with its full name."""
    kind, name = ("branch", ref.removeprefix(BRANCHES)) if ref.startswith(BRANCHES) else ("tag", ref.removeprefix(TAGS))
    return bool(push_policy(session, ANONYMOUS, project).matching(kind, name))


def protect_default_branch(session: Session, project: Project) -> None:
    """Protect a default branch that was just born, as the group says."""
    wanted = of_project(project)
    name = project.default_branch
    already = select(ProtectedRef).where(
        ProtectedRef.project_id == project.id, ProtectedRef.kind == "branch", ProtectedRef.name == name
    )
    if wanted.none or session.scalar(already) is not None:
        return
    accesses = [Access(action="push", access_level=level) for level in wanted.push]
    accesses += [Access(action="merge", access_level=level) for level in wanted.merge]
    attributes = {"allow_force_push": wanted.force}
    session.add(ProtectedRef(project_id=project.id, kind="branch", name=name, accesses=accesses, attributes=attributes))
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
