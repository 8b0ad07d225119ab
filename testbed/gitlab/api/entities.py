"""How users, namespaces and levels look in answers of several resource families."""

from __future__ import annotations

import re
from typing import Any

from testbed.gitlab.core.errors import invalid
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Container, Namespace, Project, Runner, User

__all__ = ["check_name", "check_path", "namespace_entity", "runner_basic", "user_basic", "web_url"]

_NAME = re.compile(r"[\w\U00010000-\U0010ffff][\w\U00010000-\U0010ffff.+ ()-]*")
_PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")

_NAME_RULE = (
    "can contain only letters, digits, emoji, '_', '.', '+', dashes, or spaces. "
    "It must start with a letter, digit, emoji, or '_'."
)
_PATH_RULE = (
    "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'."
)
_RESERVED = frozenset(
    {
        *("-", ".well-known", "admin", "api", "dashboard", "explore", "groups", "help", "oauth", "profile"),
        *("projects", "users"),
    }
)


def user_basic(user: User | None, forge: Forge) -> dict[str, Any] | None:
    """A user in passing."""
    if user is None:
        return None
    return {
        "id": user.id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": None,
        "web_url": forge.url(user.username),
    }


def runner_basic(runner: Runner) -> dict[str, Any]:
    """A runner in passing, without whether it is there at the moment."""
    return {
        "id": runner.id,
        "description": runner.description,
        "ip_address": None,
        "active": not runner.paused,
        "paused": runner.paused,
        "is_shared": runner.runner_type == "instance_type",
        "runner_type": runner.runner_type,
        "name": None,
    }


def web_url(container: Container, forge: Forge) -> str:
    """The address of a group's or project's page."""
    return forge.url(container.full_path if isinstance(container, Project) else container.web_path)


def namespace_entity(namespace: Namespace, forge: Forge) -> dict[str, Any]:
    """A namespace in passing."""
    return {
        "id": namespace.id,
        "name": namespace.name,
        "path": namespace.path,
        "kind": "user" if namespace.personal else "group",
        "full_path": namespace.full_path,
        "parent_id": namespace.parent_id,
        "avatar_url": None,
        "web_url": forge.url(namespace.web_path),
    }


def check_name(name: str) -> None:
    """Refuse a name of a group or project that GitLab would refuse."""
    if len(name) > 255:
        raise invalid(name="is too long (maximum is 255 characters)")
    if not _NAME.fullmatch(name):
        raise invalid(name=_NAME_RULE)


def check_path(path: str, *, top_level: bool) -> None:
    """Refuse a path of a group or project that GitLab would refuse."""
    if not _PATH.fullmatch(path) or path.endswith((".git", ".atom", ".")):
        raise invalid(path=_PATH_RULE)
    if top_level and path.lower() in _RESERVED:
        raise invalid(path=f"{path} is a reserved name")
