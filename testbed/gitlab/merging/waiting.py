"""Merge requests that wait for their pipeline to be merged by themselves."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.store import MergeRequest, User

__all__ = ["call_off", "wait_for_pipeline"]


def wait_for_pipeline(session: Session, request: MergeRequest, user: User) -> None:
    """Merge later, on behalf of a user."""
    request.auto_merge, request.merge_user = True, user
    text = f"enabled an automatic merge when all merge checks for {request.sha[:8]} pass"
    note_by_system(session, request, user, text)


def call_off(session: Session, request: MergeRequest, user: User, reason: str | None = None) -> None:
    """Do not merge by itself any more."""
    request.auto_merge, request.merge_user, request.merge_params = False, None, {}
    text = f"aborted the automatic merge because {reason}" if reason else "canceled the automatic merge"
    note_by_system(session, request, user, text)
