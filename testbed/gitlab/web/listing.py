"""Lists of issues and merge requests with a tab for each state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from testbed.gitlab.store import Issue, MergeRequest
from testbed.gitlab.web.discussions import label_colours
from testbed.gitlab.web.visits import Rows, Visit

__all__ = ["Listing", "in_state"]

ItemT = TypeVar("ItemT", Issue, MergeRequest)


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[ItemT]):
    """One page of the items in one state."""

    rows: Rows[ItemT]
    state: str
    counts: Mapping[str, int]
    """Number of items by state, and of ``all``."""
    labels: Mapping[str, str]
    """Colours by name."""


def in_state(visit: Visit, model: type[ItemT], mine: Select[ItemT], states: Sequence[str]) -> Listing[ItemT]:
    """The items in the state that the address asks for, newest first; the first state when it asks for none."""
    wanted = visit.request.query_params.get("state", "")
    state = wanted if wanted in states else states[0]
    visible = mine.subquery()
    counted = select(visible.c.state, func.count()).group_by(visible.c.state)
    counts: dict[str, int] = dict(visit.session.execute(counted).all())
    found = mine if state == "all" else mine.where(model.state == state)
    rows = visit.rows(found.options(joinedload(model.author)).order_by(model.id.desc()))
    return Listing(
        rows=rows, state=state, counts={**counts, "all": sum(counts.values())}, labels=label_colours(visit, rows.items)
    )
