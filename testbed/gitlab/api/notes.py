"""Comments on issues and merge requests."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Select, select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.issuables import Noteable, find_issuable, on_both, sees_internal
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import bad_request, forbidden, missing
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import announce_note
from testbed.gitlab.merging.discussing import thread_name
from testbed.gitlab.store import Issue, Note

__all__ = ["add_note", "change_body", "find_note", "note_entity", "readable_notes", "remove_note", "routes"]

routes = Routes()

LONGEST_BODY = 1_000_000


class CreateNote(Params):
    """POST .../notes."""

    body: str
    internal: bool = False
    confidential: bool = False
    created_at: Instant | None = None


class UpdateNote(Params):
    """PUT .../notes/:note_id."""

    body: str


class ListNotes(Params):
    """GET .../notes."""

    order_by: Literal["created_at", "updated_at"] = "created_at"
    sort: Literal["asc", "desc"] = "desc"
    activity_filter: Literal["all_notes", "only_comments", "only_activity"] = "all_notes"


def note_entity(call: Call, note: Note, item: Noteable) -> dict[str, Any]:
    """A comment."""
    return {
        "id": note.id,
        "type": _type(note),
        "body": note.body,
        "author": user_basic(note.author, call.forge),
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "system": note.system,
        "noteable_id": item.id,
        "noteable_type": "Issue" if isinstance(item, Issue) else "MergeRequest",
        "noteable_iid": item.iid,
        "project_id": item.project_id,
        "commit_id": None,
        **({"position": note.position} if note.position else {}),
        "resolvable": note.resolvable,
        **(_resolution(call, note) if note.resolvable else {}),
        "confidential": note.internal,
        "internal": note.internal,
        "imported": False,
        "imported_from": "none",
        "attachment": None,
        "commands_changes": {},
    }


@on_both(routes.get, "/notes")
def list_notes(call: Call, params: ListNotes) -> Page:
    """The comments and what the system noted, newest first unless asked otherwise."""
    item = find_issuable(call)
    statement = readable_notes(call, item)
    if params.activity_filter != "all_notes":
        statement = statement.where(Note.system.is_(params.activity_filter == "only_activity"))
    column = Note.created_at if params.order_by == "created_at" else Note.updated_at
    order = (column.asc(), Note.id.asc()) if params.sort == "asc" else (column.desc(), Note.id.desc())
    return call.page(statement.order_by(*order), Note.id, lambda row: note_entity(call, row, item))


@on_both(routes.get, "/notes/{note_id}")
def get_note(call: Call) -> dict[str, Any]:
    """One comment."""
    item = find_issuable(call)
    return note_entity(call, find_note(call, item), item)


@on_both(routes.post, "/notes")
def create_note(call: Call, params: CreateNote) -> dict[str, Any]:
    """Say something."""
    item = find_issuable(call)
    note = Note(body=params.body, internal=params.internal or params.confidential, discussion=thread_name())
    if params.created_at is not None and call.level(item.project) >= Level.OWNER:
        note.created_at = params.created_at
    return note_entity(call, add_note(call, item, note), item)


@on_both(routes.put, "/notes/{note_id}")
def update_note(call: Call, params: UpdateNote) -> dict[str, Any]:
    """Say it in other words."""
    item = find_issuable(call)
    note = find_note(call, item)
    change_body(call, item, note, params.body)
    return note_entity(call, note, item)


@on_both(routes.delete, "/notes/{note_id}")
def delete_note(call: Call) -> None:
    """Take something back."""
    item = find_issuable(call)
    remove_note(call, item, find_note(call, item))


def readable_notes(call: Call, item: Noteable) -> Select[Note]:
    """The notes that the actor may read."""
    statement = select(Note).where(Note.on(item))
    return statement if sees_internal(call, item) else statement.where(Note.internal.is_(False))


def find_note(call: Call, item: Noteable) -> Note:
    """The note in the path."""
    number = call.number("note_id", "Note")
    found = call.session.scalar(readable_notes(call, item).where(Note.id == number))
    if found is None:
        raise missing()
    return found


def add_note(call: Call, item: Noteable, note: Note) -> Note:
    """Keep a new note, when its author may say it, and tell the hooks."""
    if item.project.archived or (item.discussion_locked and call.level(item.project) < Level.REPORTER):
        raise forbidden()
    if note.internal and not sees_internal(call, item):
        raise forbidden()
    _check_body(note.body)
    for name, value in Note.key(item).items():
        setattr(note, name, value)
    note.author = call.user
    item.updated_at = now()
    call.add(note)
    announce_note(call.forge, call.session, note, item, call.user)
    return note


def change_body(call: Call, item: Noteable, note: Note, body: str) -> None:
    """Change what a note says, when the actor may, and tell the hooks."""
    _need_authority(call, item, note)
    _check_body(body)
    note.body = body
    announce_note(call.forge, call.session, note, item, call.user, "update")


def remove_note(call: Call, item: Noteable, note: Note) -> None:
    """Remove a note, when the actor may."""
    _need_authority(call, item, note)
    call.session.delete(note)


def _need_authority(call: Call, item: Noteable, note: Note) -> None:
    """Notes are for their authors and for maintainers to change; those of the system for nobody."""
    mine = note.author_id == call.user.id
    if note.system or not (mine or call.level(item.project) >= Level.MAINTAINER):
        raise forbidden()


def _check_body(body: str) -> None:
    if not body.strip():
        raise bad_request('Note {:note=>["can\'t be blank"]}')
    if len(body) > LONGEST_BODY:
        raise bad_request(f'Note {{:note=>["is too long (maximum is {LONGEST_BODY} characters)"]}}')


def _type(note: Note) -> str | None:
    if note.position:
        return "DiffNote"
    return None if note.individual else "DiscussionNote"


def _resolution(call: Call, note: Note) -> dict[str, Any]:
    return {
        "resolved": note.resolved_at is not None,
        "resolved_by": user_basic(note.resolved_by, call.forge),
        "resolved_at": note.resolved_at,
    }
