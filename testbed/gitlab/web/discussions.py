"""What people say about issues and merge requests, and the labels they give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Issue, Label, MergeRequest, Note
from testbed.gitlab.web.visits import Visit

__all__ = ["Thread", "label_colours", "threads_on"]


@dataclass(frozen=True)
class Thread:
    """Notes that belong together."""

    notes: list[Note] = field(default_factory=list)

    @property
    def first(self) -> Note:
        """What the thread is about."""
        return self.notes[0]

    @property
    def resolvable(self) -> bool:
        """Whether somebody should say when it is settled."""
        return any(note.resolvable for note in self.notes)

    @property
    def resolved(self) -> bool:
        """Whether it is settled."""
        return self.resolvable and all(note.resolved_at for note in self.notes if note.resolvable)


def threads_on(visit: Visit, item: Issue | MergeRequest) -> list[Thread]:
    """What was said, oldest first; internal notes are for members from Planner on."""
    notes = select(Note).where(Note.on(item)).options(joinedload(Note.author), joinedload(Note.resolved_by))
    if visit.level < Level.PLANNER:
        notes = notes.where(Note.internal.is_(False))
    threads: dict[str, Thread] = {}
    for note in visit.session.scalars(notes.order_by(Note.id)):
        threads.setdefault(note.discussion, Thread()).notes.append(note)
    return list(threads.values())


def label_colours(visit: Visit, items: Sequence[Issue | MergeRequest]) -> dict[str, str]:
    """The colours of labels by name; a label of the project goes before one of its groups."""
    names = {name for item in items for name in item.labels}
    found = visit.session.scalars(select(Label).where(Label.of(*lineage(visit.project)), Label.name.in_(names)))
    return {label.name: label.color for label in sorted(found, key=lambda label: label.project_id is not None)}
