"""The people around issues and merge requests."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.store import User

__all__ = ["users_in_order"]


def users_in_order(session: Session, numbers: Iterable[int | None]) -> list[User]:
    """The users with these numbers, each once and in this order; those who are gone are left out."""
    wanted = list(dict.fromkeys(numbers))
    if not wanted:
        return []
    found = {user.id: user for user in session.scalars(select(User).where(User.id.in_(wanted)))}
    return [found[number] for number in wanted if number in found]
