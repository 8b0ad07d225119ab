"""Users."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import or_, select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, invalid, not_found
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Namespace, User

__all__ = ["add_user", "routes"]

routes = Routes(anonymous=False)

_USERNAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class CreateUser(Params):
    """POST users."""

    email: NotEmpty
    name: NotEmpty
    username: NotEmpty
    admin: bool = False
    external: bool = False
    note: str | None = None


class UpdateUser(Params):
    """PUT users/:id."""

    email: str | None = None
    name: str | None = None
    username: str | None = None
    admin: bool | None = None
    external: bool | None = None
    note: str | None = None


class ListUsers(Params):
    """GET users."""

    username: str | None = None
    search: str | None = None
    active: bool = False
    blocked: bool = False
    without_project_bots: bool = False


def user_entity(call: Call, user: User) -> dict[str, Any]:
    """A user, with more for administrators and for oneself."""
    entity = {
        **(user_basic(user, call.forge) or {}),
        "created_at": user.created_at,
        "bio": "",
        "location": "",
        "linkedin": "",
        "twitter": "",
        "website_url": "",
        "organization": "",
        "job_title": "",
        "pronouns": None,
        "bot": user.bot,
        "work_information": None,
        "followers": 0,
        "following": 0,
    }
    if not (call.actor.admin or user is call.actor.user):
        return entity
    return entity | {
        "email": user.email,
        "commit_email": user.email,
        "confirmed_at": user.created_at,
        "last_activity_on": None,
        "last_sign_in_at": None,
        "current_sign_in_at": None,
        "projects_limit": 100000,
        "color_scheme_id": 1,
        "theme_id": 1,
        "identities": [],
        "can_create_group": True,
        "can_create_project": True,
        "two_factor_enabled": False,
        "external": user.external,
        "private_profile": False,
        "namespace_id": call.session.scalar(select(Namespace.id).where(Namespace.owner_id == user.id)),
        **({"is_admin": user.admin, "note": user.note} if call.actor.admin else {}),
    }


@routes.get("/user", scopes=("read_user",))
def get_current_user(call: Call) -> dict[str, Any]:
    """Whose token it is."""
    return user_entity(call, call.user)


@routes.get("/users", scopes=("read_user",))
def list_users(call: Call, params: ListUsers) -> Page:
    """All users, or those found."""
    statement = select(User).order_by(User.id.desc())
    if params.username:
        statement = statement.where(User.username == params.username)
    if params.search:
        text = params.search
        statement = statement.where(or_(User.username.icontains(text), User.name.icontains(text), User.email == text))
    if params.active:
        statement = statement.where(User.state == "active")
    if params.blocked:
        statement = statement.where(User.state == "blocked")
    if params.without_project_bots:
        statement = statement.where(User.bot.is_(False))
    return call.page(statement, User.id, lambda row: user_entity(call, row))


@routes.get("/users/{user_id}", scopes=("read_user",))
def get_user(call: Call) -> dict[str, Any]:
    """One user."""
    return user_entity(call, _user(call))


@routes.post("/users")
def create_user(call: Call, params: CreateUser) -> dict[str, Any]:
    """Create a user; nobody signs in with a password here, so none is kept."""
    call.need_admin()
    return user_entity(call, add_user(call, User(**params.model_dump())))


@routes.put("/users/{user_id}")
def update_user(call: Call, params: UpdateUser) -> dict[str, Any]:
    """Change a user."""
    call.need_admin()
    user = _user(call)
    for name, value in params.given().items():
        setattr(user, name, value)
    _check(call, user)
    call.session.flush()
    return user_entity(call, user)


@routes.delete("/users/{user_id}")
def delete_user(call: Call) -> None:
    """Remove a user and the personal namespace."""
    call.need_admin()
    call.session.delete(_user(call))


@routes.post("/users/{user_id}/block")
def block_user(call: Call) -> bool:
    """Shut a user out."""
    return _set_state(call, "blocked")


@routes.post("/users/{user_id}/unblock")
def unblock_user(call: Call) -> bool:
    """Let a user in again."""
    return _set_state(call, "active")


def add_user(call: Call, user: User) -> User:
    """Put a user into the database, with a personal namespace unless it is a bot."""
    _check(call, user)
    call.add(user)
    if not user.bot:
        name = user.username
        call.add(Namespace(name=user.name, path=name, full_path=name, full_name=user.name, owner_id=user.id))
    return user


def _check(call: Call, user: User) -> None:
    if not _USERNAME.fullmatch(user.username):
        raise invalid(username="can contain only letters, digits, '_', '-' and '.'.")
    if not _EMAIL.fullmatch(user.email):
        raise invalid(email="is invalid")
    with call.session.no_autoflush:
        if call.session.scalar(select(User.id).where(User.email == user.email, User.id != user.id)):
            raise conflict("Email has already been taken")
        same = select(Namespace.id).where(
            Namespace.full_path == user.username, Namespace.owner_id.is_distinct_from(user.id)
        )
        if call.session.scalar(same):
            raise conflict("Username has already been taken")


def _user(call: Call) -> User:
    found = call.session.get(User, call.number("user_id", "User"))
    if found is None:
        raise not_found("User")
    return found


def _set_state(call: Call, state: str) -> bool:
    call.need_admin()
    _user(call).state = state
    return True
