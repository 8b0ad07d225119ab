"""Members of groups and projects."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.core.access import effective_members, lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.errors import conflict, forbidden, invalid, missing, not_found, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Container, Member, Project, User

__all__ = ["routes"]

routes = Routes()

GIVEABLE = (
    Level.MINIMAL,
    Level.GUEST,
    Level.PLANNER,
    Level.REPORTER,
    Level.DEVELOPER,
    Level.MAINTAINER,
    Level.OWNER,
)


class CreateMember(Params):
    """POST .../members."""

    access_level: int
    user_id: CommaSeparated | int | None = None
    username: CommaSeparated | None = None
    expires_at: date | None = None


class UpdateMember(Params):
    """PUT .../members/:user_id."""

    access_level: int
    expires_at: date | None = None


class ListMembers(Params):
    """GET .../members."""

    query: str | None = None
    user_ids: list[int] = Field(default_factory=list)


def member_entity(call: Call, member: Member) -> dict[str, Any]:
    """A member."""
    return {
        **(user_basic(member.user, call.forge) or {}),
        "access_level": member.access_level,
        "created_at": member.created_at,
        "created_by": user_basic(member.created_by, call.forge),
        "expires_at": member.expires_at,
        **({"email": member.user.email} if call.actor.admin else {}),
        "group_saml_identity": None,
        "membership_state": "active",
    }


@routes.get("/:container/members")
def list_members(call: Call, params: ListMembers) -> Page:
    """The direct members."""
    rows = call.session.scalars(select(Member).where(Member.of(call.container())).order_by(Member.id))
    return call.page_of(_selected(list(rows), params), lambda row: member_entity(call, row))


@routes.get("/:container/members/all")
def list_all_members(call: Call, params: ListMembers) -> Page:
    """The members with the inherited ones, each once."""
    rows = effective_members(call.session, call.container())
    return call.page_of(_selected(rows, params), lambda row: member_entity(call, row))


@routes.get("/:container/members/{user_id}")
def get_member(call: Call) -> dict[str, Any]:
    """One direct member."""
    return member_entity(call, _find(call, call.container()))


@routes.get("/:container/members/all/{user_id}")
def get_any_member(call: Call) -> dict[str, Any]:
    """One member, direct or inherited."""
    number = call.number("user_id", "Member")
    for row in effective_members(call.session, call.container()):
        if row.user_id == number:
            return member_entity(call, row)
    raise missing()


@routes.post("/:container/members")
def create_member(call: Call, params: CreateMember) -> dict[str, Any]:
    """Add one member, or several at once."""
    container = _managed(call)
    if (params.user_id is None) == (params.username is None):
        rule = "are missing, exactly one parameter must be provided"
        raise parameter_error(f"user_id, username {rule if params.user_id is None else 'are mutually exclusive'}")
    users = _users(call, params)
    rows = [_add(call, container, user, params) for user in users]
    return member_entity(call, rows[0]) if len(rows) == 1 else {"status": "success"}


@routes.put("/:container/members/{user_id}")
def update_member(call: Call, params: UpdateMember) -> dict[str, Any]:
    """Change a direct member's role or last day."""
    container = _managed(call)
    member = _find(call, container)
    level = _level(call, container, member.user, params.access_level)
    if member.access_level is Level.OWNER and level < Level.OWNER:
        _keep_an_owner(call, container, member)
    member.access_level = level
    if "expires_at" in params.model_fields_set:
        member.expires_at = _last_day(params.expires_at)
    call.session.flush()
    return member_entity(call, member)


@routes.delete("/:container/members/{user_id}")
def delete_member(call: Call) -> None:
    """Remove a direct member; anybody may leave."""
    container = call.container()
    member = _find(call, container)
    if member.user_id != call.user.id:
        _managed(call)
    if member.access_level is Level.OWNER:
        if call.level(container) < Level.OWNER:
            raise forbidden()
        _keep_an_owner(call, container, member)
    call.session.delete(member)


def _managed(call: Call) -> Container:
    return call.container(Level.OWNER if call.kind == "groups" else Level.MAINTAINER)


def _selected(rows: list[Member], params: ListMembers) -> list[Member]:
    wanted = (params.query or "").lower()
    return [
        row
        for row in rows
        if (not params.user_ids or row.user_id in params.user_ids)
        and (wanted in row.user.username.lower() or wanted in row.user.name.lower())
    ]


def _users(call: Call, params: CreateMember) -> list[User]:
    if params.username is not None:
        found = [call.session.scalar(select(User).where(User.username == name)) for name in params.username]
    else:
        numbers = params.user_id if isinstance(params.user_id, list) else [str(params.user_id)]
        found = [call.session.get(User, int(each)) if each.isdecimal() else None for each in numbers]
    users = [user for user in found if user is not None]
    if len(users) < len(found):
        raise not_found("User")
    return users


def _add(call: Call, container: Container, user: User, params: CreateMember) -> Member:
    exists = select(Member.id).where(Member.of(container), Member.user_id == user.id)
    if call.session.scalar(exists) is not None:
        raise conflict("Member already exists")
    return call.add(
        Member(
            user=user,
            access_level=_level(call, container, user, params.access_level),
            expires_at=_last_day(params.expires_at),
            created_by=call.user,
            **{"project" if isinstance(container, Project) else "namespace": container},
        )
    )


def _level(call: Call, container: Container, user: User, number: int) -> Level:
    """The role as asked for, when the actor may give it and it is no less than what the user inherits."""
    if number not in GIVEABLE:
        raise invalid(access_level="is not included in the list")
    level = Level(number)
    if level > call.level(container):
        raise forbidden()
    above = [each for each in lineage(container) if each is not container]
    inherited = select(Member).where(Member.of(*above), Member.user_id == user.id)
    for row in call.session.scalars(inherited):
        if row.access_level > level:
            raise invalid(
                access_level=f"should be greater than or equal to {row.access_level.name.capitalize()} "
                f"inherited membership from group {row.container.name}"
            )
    return level


def _last_day(day: date | None) -> date | None:
    if day is not None and day <= today():
        raise invalid(expires_at="cannot be a date in the past")
    return day


def _find(call: Call, container: Container) -> Member:
    number = call.number("user_id", "Member")
    found = call.session.scalar(select(Member).where(Member.of(container), Member.user_id == number))
    if found is None:
        raise missing()
    return found


def _keep_an_owner(call: Call, container: Container, leaving: Member) -> None:
    """A group without an owner could not be managed any more."""
    if isinstance(container, Project):
        return
    rows = select(Member).where(Member.of(*lineage(container)), Member.access_level == Level.OWNER)
    if all(row.id == leaving.id for row in call.session.scalars(rows)):
        raise forbidden()
