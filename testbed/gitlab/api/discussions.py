"""Threads of comments on issues and merge requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import func, select

from testbed.gitlab.api.issuables import Noteable, find_issuable, find_merge_request, on_both
from testbed.gitlab.api.notes import add_note, change_body, find_note, note_entity, readable_notes, remove_note
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import bad_request, forbidden, not_found, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.auto import merge_if_ready
from testbed.gitlab.merging.discussing import note_by_system, thread_name, unresolved
from testbed.gitlab.store import MergeRequest, Note

__all__ = ["routes"]

routes = Routes()

ONE = "/discussions/{discussion_id}"


class Position(Params):
    """A place in a difference."""

    base_sha: str
    start_sha: str
    head_sha: str
    position_type: Literal["text", "image", "file"]
    old_path: str | None = None
    new_path: str | None = None
    old_line: int | None = None
    new_line: int | None = None
    line_range: dict[str, Any] | None = None


class CreateDiscussion(Params):
    """POST .../discussions."""

    body: str
    position: Position | None = None


class Reply(Params):
    """POST .../discussions/:discussion_id/notes."""

    body: str


class ChangeNote(Params):
    """PUT .../discussions/:discussion_id/notes/:note_id."""

    body: str | None = None
    resolved: bool | None = None


class Resolve(Params):
    """PUT .../discussions/:discussion_id."""

    resolved: bool


@on_both(routes.get, "/discussions")
def list_discussions(call: Call) -> Page:
    """The threads and single comments, oldest first."""
    item = find_issuable(call)
    notes = readable_notes(call, item).subquery()
    names = call.session.scalars(
        select(notes.c.discussion).group_by(notes.c.discussion).order_by(func.min(notes.c.id))
    ).all()
    return call.page_of(list(names), lambda name: _entity(call, item, _notes(call, item, name)))


@on_both(routes.get, ONE)
def get_discussion(call: Call) -> dict[str, Any]:
    """One thread."""
    item = find_issuable(call)
    return _entity(call, item, _named(call, item))


@on_both(routes.post, "/discussions")
def create_discussion(call: Call, params: CreateDiscussion) -> dict[str, Any]:
    """Begin a thread; on a merge request it can be about a place in the difference."""
    item = find_issuable(call)
    note = Note(body=params.body, discussion=thread_name(), individual=False)
    if isinstance(item, MergeRequest):
        note.resolvable = True
        if params.position is not None:
            note.position = _place(call, item, params.position)
    add_note(call, item, note)
    return _entity(call, item, [note])


@routes.put(f"/projects/{{id}}/merge_requests/{{iid}}{ONE}")
def resolve_discussion(call: Call, params: Resolve) -> dict[str, Any]:
    """Settle a whole thread, or open it again."""
    request = find_merge_request(call)
    notes = [note for note in _named(call, request) if note.resolvable]
    if not notes:
        raise forbidden()
    _resolve(call, request, notes, resolved=params.resolved)
    return _entity(call, request, _named(call, request))


@on_both(routes.get, f"{ONE}/notes")
def list_discussion_notes(call: Call) -> list[dict[str, Any]]:
    """The notes of a thread, oldest first."""
    item = find_issuable(call)
    return [note_entity(call, note, item) for note in _named(call, item)]


@on_both(routes.post, f"{ONE}/notes")
def reply(call: Call, params: Reply) -> dict[str, Any]:
    """Answer; a single comment becomes a thread by that."""
    item = find_issuable(call)
    first, *_ = _named(call, item)
    if first.system:
        raise bad_request("Discussion can not be replied to.")
    first.individual = False
    first.resolvable = isinstance(item, MergeRequest)
    note = Note(
        body=params.body,
        discussion=first.discussion,
        individual=False,
        internal=first.internal,
        resolvable=first.resolvable,
        position=first.position,
    )
    return note_entity(call, add_note(call, item, note), item)


@on_both(routes.get, f"{ONE}/notes/{{note_id}}")
def get_discussion_note(call: Call) -> dict[str, Any]:
    """One note of a thread."""
    item = find_issuable(call)
    return note_entity(call, _note(call, item), item)


@on_both(routes.put, f"{ONE}/notes/{{note_id}}")
def change_discussion_note(call: Call, params: ChangeNote) -> dict[str, Any]:
    """Say it in other words, or settle this note alone."""
    item = find_issuable(call)
    note = _note(call, item)
    if (params.body is None) == (params.resolved is None):
        raise parameter_error("body, resolved are missing, exactly one parameter must be provided")
    if params.body is not None:
        change_body(call, item, note, params.body)
    elif params.resolved is not None:
        if not isinstance(item, MergeRequest) or not note.resolvable:
            raise forbidden()
        _resolve(call, item, [note], resolved=params.resolved)
    return note_entity(call, note, item)


@on_both(routes.delete, f"{ONE}/notes/{{note_id}}")
def delete_discussion_note(call: Call) -> None:
    """Take something back."""
    item = find_issuable(call)
    remove_note(call, item, _note(call, item))


def _notes(call: Call, item: Noteable, name: str) -> Sequence[Note]:
    return call.session.scalars(readable_notes(call, item).where(Note.discussion == name).order_by(Note.id)).all()


def _named(call: Call, item: Noteable) -> Sequence[Note]:
    found = _notes(call, item, call.path["discussion_id"])
    if not found:
        raise not_found("Discussion")
    return found


def _note(call: Call, item: Noteable) -> Note:
    note = find_note(call, item)
    if note.discussion != call.path["discussion_id"]:
        raise not_found("Note")
    return note


def _entity(call: Call, item: Noteable, notes: Sequence[Note]) -> dict[str, Any]:
    return {
        "id": notes[0].discussion,
        "individual_note": notes[0].individual,
        "notes": [note_entity(call, note, item) for note in notes],
    }


def _place(call: Call, request: MergeRequest, position: Position) -> dict[str, Any]:
    """A place as it is kept, when it is one: commits of the repository, and a file."""
    repository = call.forge.storage.open(request.project_id)
    names = (position.base_sha, position.start_sha, position.head_sha)
    if not all(len(name) == 40 and name in repository for name in names):
        raise bad_request('Note {:position=>["is incomplete"]}')
    if position.position_type == "text":
        if not (position.old_path or position.new_path):
            raise bad_request('Note {:position=>["is incomplete"]}')
        if position.old_line is None and position.new_line is None:
            raise bad_request('Note {:line_code=>["can\'t be blank", "must be a valid line code"]}')
    return position.model_dump()


def _resolve(call: Call, request: MergeRequest, notes: Sequence[Note], *, resolved: bool) -> None:
    """For developers, and for who opened the merge request."""
    if call.level(request.project) < Level.DEVELOPER and call.user.id != request.author_id:
        raise forbidden()
    for note in notes:
        note.resolved_at = now() if resolved else None
        note.resolved_by = call.user if resolved else None
    call.session.flush()
    if resolved and not unresolved(call.session, request):
        note_by_system(call.session, request, call.user, "resolved all threads")
        merge_if_ready(call.forge, call.session, request)
