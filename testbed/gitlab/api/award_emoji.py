"""Reactions to issues, merge requests and comments."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Select, select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.issuables import Noteable, find_issuable, on_both
from testbed.gitlab.api.notes import find_note
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, missing, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import AwardEmoji, Note

__all__ = ["routes"]

routes = Routes()

ON_NOTE = "/notes/{note_id}/award_emoji"
_NAME = re.compile(r"[a-z0-9_+-]{1,100}")


class CreateAward(Params):
    """POST .../award_emoji."""

    name: NotEmpty


@on_both(routes.get, "/award_emoji")
@on_both(routes.get, ON_NOTE)
def list_awards(call: Call) -> Page:
    """The reactions."""
    item, note = _target(call)
    return call.page(_of(item, note), AwardEmoji.id, lambda row: _entity(call, row, item, note))


@on_both(routes.get, "/award_emoji/{award_id}")
@on_both(routes.get, f"{ON_NOTE}/{{award_id}}")
def get_award(call: Call) -> dict[str, Any]:
    """One reaction."""
    item, note = _target(call)
    return _entity(call, _find(call, item, note), item, note)


@on_both(routes.post, "/award_emoji")
@on_both(routes.post, ON_NOTE)
def create_award(call: Call, params: CreateAward) -> dict[str, Any]:
    """React."""
    item, note = _target(call)
    name = params.name.strip(":")
    if not _NAME.fullmatch(name):
        raise not_found("Award Emoji Name is not a valid emoji name")
    taken = _of(item, note).where(AwardEmoji.user_id == call.user.id, AwardEmoji.name == name)
    if call.session.scalar(taken) is not None:
        raise not_found("Award Emoji Name has already been taken")
    award = AwardEmoji(**AwardEmoji.key(item), note_id=note.id if note else None, user=call.user, name=name)
    return _entity(call, call.add(award), item, note)


@on_both(routes.delete, "/award_emoji/{award_id}")
@on_both(routes.delete, f"{ON_NOTE}/{{award_id}}")
def delete_award(call: Call) -> None:
    """Take a reaction back; somebody else's only as a maintainer."""
    item, note = _target(call)
    award = _find(call, item, note)
    if award.user_id != call.user.id and call.level(item.project) < Level.MAINTAINER:
        raise forbidden()
    call.session.delete(award)


def _target(call: Call) -> tuple[Noteable, Note | None]:
    item = find_issuable(call)
    return item, find_note(call, item) if "note_id" in call.path else None


def _of(item: Noteable, note: Note | None) -> Select[AwardEmoji]:
    number = None if note is None else note.id
    return select(AwardEmoji).where(AwardEmoji.on(item), AwardEmoji.note_id == number).order_by(AwardEmoji.id)


def _find(call: Call, item: Noteable, note: Note | None) -> AwardEmoji:
    found = call.session.scalar(_of(item, note).where(AwardEmoji.id == call.number("award_id", "Award Emoji")))
    if found is None:
        raise missing()
    return found


def _entity(call: Call, award: AwardEmoji, item: Noteable, note: Note | None) -> dict[str, Any]:
    return {
        "id": award.id,
        "name": award.name,
        "user": user_basic(award.user, call.forge),
        "created_at": award.created_at,
        "updated_at": award.updated_at,
        "awardable_id": item.id if note is None else note.id,
        "awardable_type": type(item).__name__ if note is None else "Note",
        "url": None,
    }
