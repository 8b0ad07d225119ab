"""Environments by name: made when a job or an outside tool names a new one."""

from __future__ import annotations

import re
import secrets
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.store import Environment, Project

__all__ = ["NAME_RULE", "Tier", "ensure_environment", "is_name"]

Tier = Literal["production", "staging", "testing", "development", "other"]

_NAME = re.compile(r"[a-zA-Z0-9_\\$.{} -]([a-zA-Z0-9_\\/$.{} -]*[a-zA-Z0-9_\\$.{} -])?")

NAME_RULE = (
    "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
    "but it cannot start or end with '/'"
)

# What a name says about the tier when nobody says it, in this order.
_TIERS: tuple[tuple[Tier, str], ...] = (
    ("development", r"(dev|review|trunk)"),
    ("testing", r"(test|tst|int|ac(ce|)pt|qa|qc|control|quality)"),
    ("staging", r"(st(a|)g|mod(e|)l|pre|demo|non)"),
    ("production", r"(pr(o|)d|live)"),
)


def is_name(name: str) -> bool:
    """Whether an environment may be called so."""
    return len(name) <= 255 and _NAME.fullmatch(name) is not None


def ensure_environment(session: Session, project: Project, name: str) -> Environment:
    """The environment with a name, made when it is new.

    Raises:
        ValueError: when no environment may be called so.
    """
    if not is_name(name):
        raise ValueError(f"environment name {name!r} {NAME_RULE}")
    same = select(Environment).where(Environment.project_id == project.id, Environment.name == name)
    found = session.scalar(same)
    if found is None:
        found = Environment(project_id=project.id, name=name, slug=_slug(name), tier=_tier(name))
        session.add(found)
        session.flush()
    return found


def _slug(name: str) -> str:
    """A name for host names: at most 24 characters; told apart by a random end when it had to be changed."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"env-{plain}"
    if plain == name and len(plain) <= 24:
        return plain
    return f"{plain[:17].strip('-')}-{secrets.token_hex(3)}"


def _tier(name: str) -> Tier:
    for tier, pattern in _TIERS:
        if re.search(pattern, name, re.IGNORECASE):
            return tier
    return "other"
