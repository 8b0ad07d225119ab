"""What is said on issues and merge requests: by people, and by the system about what happened."""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.store import Issuable, MergeRequest, Note, User

__all__ = ["note_by_system", "thread_name", "unresolved"]


def thread_name() -> str:
    """A name for a new thread."""
    return secrets.token_hex(20)


def note_by_system(session: Session, item: Issuable, user: User, body: str) -> None:
    """Note that a user did something."""
    note = Note(**Note.key(item), author_id=user.id, body=body, system=True, discussion=thread_name())
    session.add(note)
    session.flush()


def unresolved(session: Session, request: MergeRequest) -> bool:
    """Whether a thread is still open."""
    open_ones = select(Note.id).where(Note.on(request), Note.resolvable, Note.resolved_at.is_(None)).limit(1)
    return session.scalar(open_ones) is not None
