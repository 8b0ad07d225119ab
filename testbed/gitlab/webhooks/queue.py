"""Putting web hooks into the queue."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import lineage
from testbed.gitlab.repositories.rules import BRANCHES
from testbed.gitlab.store import Container, Delivery, Hook

__all__ = ["enqueue", "enqueue_for"]


def enqueue(session: Session, container: Container, trigger: str, payload: dict[str, Any]) -> None:
    """Queue a payload for every hook of the container, and of the groups above it, that wants it."""
    event = str(uuid.uuid4())
    for hook in session.scalars(select(Hook).where(Hook.of(*lineage(container))).order_by(Hook.id)):
        if hook.triggers.get(trigger) and _passes(hook, trigger, payload):
            enqueue_for(session, hook, trigger, payload, event)


def enqueue_for(
    session: Session, hook: Hook, trigger: str, payload: dict[str, Any], event: str | None = None
) -> Delivery:
    """Queue a payload for one hook, whatever it subscribes to."""
    delivery = Delivery(
        hook_id=hook.id,
        trigger=trigger,
        payload=payload,
        event_uuid=event or str(uuid.uuid4()),
        idempotency_key=str(uuid.uuid4()),
    )
    session.add(delivery)
    session.flush()
    return delivery


def _passes(hook: Hook, trigger: str, payload: dict[str, Any]) -> bool:
    """Whether the hook's branch filter lets a push through."""
    wanted = hook.push_events_branch_filter
    if trigger != "push_events" or not wanted or hook.branch_filter_strategy == "all_branches":
        return True
    branch = str(payload["ref"]).removeprefix(BRANCHES)
    if hook.branch_filter_strategy == "regex":
        return re.search(wanted, branch) is not None
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), branch) is not None
