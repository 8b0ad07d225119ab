"""The notes that wait for an answer, and the answers: each question has one, found by a marker that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from typing import Any, Final

from gitlab.v4.objects import ProjectMergeRequest, ProjectMergeRequestDiscussion

from gitops.answer.question import Question, parse

__all__ = ["FRESH", "Progress", "Waiting", "claim", "marker", "say", "waiting"]

FRESH: Final = timedelta(days=7)
"""What was asked before is not answered any more; so a new account of ours does not answer everything again."""
_PATIENCE: Final = timedelta(hours=1)
"""After that, whoever began an answer has ended without one."""

_MARKER: Final = re.compile(r"<!-- bighpc:answer (\{.*?\}) -->")


@unique
class Progress(StrEnum):
    """How far an answer is."""

    WORKING = "working"
    HANDED_OVER = "handed over"
    """The merge request's own pipeline will give it."""
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A note that asks for something, and what there is of an answer."""

    discussion: ProjectMergeRequestDiscussion
    note: Mapping[str, Any]
    """As GitLab tells it."""
    question: Question
    alone: bool
    """Whether the note is no thread yet; an answer makes it one, which may have to be resolved before a merge."""
    answer: int | None = None
    """Number of our note, when one is begun."""
    progress: Progress | None = None
    stale: bool = False
    """Whether it was begun so long ago that nobody works at it any more."""


def waiting(request: ProjectMergeRequest, me: int, now: datetime) -> Iterator[Waiting]:
    """Yield the questions of a merge request without a full answer, the oldest first.

    Args:
        request: the merge request.
        me: number of our own account, whose answers count.
        now: the time.
    """
    for discussion in request.discussions.list(iterator=True):
        if not isinstance(discussion, ProjectMergeRequestDiscussion):
            continue
        notes: list[dict[str, Any]] = discussion.attributes["notes"]
        answers = _answers(notes, me)
        for note in notes:
            question = None if note["system"] else parse(note["body"])
            if question is None or now - _time(note["created_at"]) > FRESH:
                continue
            answer = answers.get(note["id"])
            progress = _progress(answer) if answer else None
            if progress is Progress.DONE:
                continue
            yield Waiting(
                discussion=discussion,
                note=note,
                question=question,
                alone=bool(discussion.attributes.get("individual_note")),
                answer=answer["id"] if answer else None,
                progress=progress,
                stale=answer is not None and now - _time(answer["updated_at"]) > _PATIENCE,
            )


def claim(
    request: ProjectMergeRequest, waiting: Waiting, me: int, text: str, progress: Progress = Progress.WORKING
) -> int | None:
    """Begin an answer, so that nobody else gives it; return the number of our note, None when somebody was faster.

    GitLab has no conditional creation: of two that begin at once, the one whose note came first goes on.

    Args:
        request: the merge request.
        waiting: the question.
        me: number of our own account.
        text: what to say meanwhile.
        progress: how far it is.
    """
    body = f"{marker(waiting.note['id'], progress)}\n{text}"
    if waiting.answer is not None:
        waiting.discussion.notes.update(waiting.answer, {"body": body})
        return waiting.answer
    number = int(waiting.discussion.notes.create({"body": body}).id)
    notes = request.discussions.get(waiting.discussion.id).attributes["notes"]
    first = _answers(notes, me).get(waiting.note["id"])
    if first is not None and first["id"] != number:
        waiting.discussion.notes.delete(number)
        return None
    return number


def say(request: ProjectMergeRequest, waiting: Waiting, answer: int, text: str) -> None:
    """Write the answer into the note that was begun.

    Args:
        request: the merge request.
        waiting: the question.
        answer: number of the note.
        text: the answer, with its marker.
    """
    waiting.discussion.notes.update(answer, {"body": text})
    if waiting.alone:
        # What was a comment must not hold up the merge because it was answered.
        request.discussions.update(waiting.discussion.id, {"resolved": True})


def marker(note: int, progress: Progress) -> str:
    """Return the first line of an answer.

    Args:
        note: number of the note that asks.
        progress: how far the answer is.
    """
    return f"<!-- bighpc:answer {json.dumps({'note': note, 'progress': progress})} -->"


def _answers(notes: list[dict[str, Any]], me: int) -> dict[int, dict[str, Any]]:
    """Our answers by the number of the note that asks, the first one of each."""
    found: dict[int, dict[str, Any]] = {}
    for note in sorted(notes, key=lambda each: int(each["id"])):
        # Nobody else can say that something is answered.
        match = _MARKER.match(note["body"]) if note["author"]["id"] == me else None
        if match:
            found.setdefault(json.loads(match[1])["note"], note)
    return found


def _progress(answer: Mapping[str, Any]) -> Progress:
    match = _MARKER.match(answer["body"])
    return Progress(json.loads(match[1])["progress"]) if match else Progress.DONE


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
