"""Merging by itself, once everything that may pass has passed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.core.actor import Actor
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.checks import MERGEABLE, detailed_status, may_merge, pipeline_active
from testbed.gitlab.merging.merge import MergeError, merge
from testbed.gitlab.merging.waiting import call_off
from testbed.gitlab.store import MergeRequest

__all__ = ["merge_if_ready"]


def merge_if_ready(forge: Forge, session: Session, request: MergeRequest) -> None:
    """Merge what waits, when nothing is in the way any more and whoever asked for it still may."""
    user = request.merge_user
    if not request.auto_merge or user is None or pipeline_active(session, request):
        return
    if detailed_status(forge, session, request) != MERGEABLE:
        return
    if user.state != "active" or not may_merge(session, Actor(user=user), request):
        call_off(session, request, user, "the user who asked for it may not merge any more")
        return
    try:
        merge(forge, session, request, user)
    except MergeError as error:
        request.merge_error = str(error)
        call_off(session, request, user, str(error))
