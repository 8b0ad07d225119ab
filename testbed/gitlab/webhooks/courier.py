"""Delivery of queued web hooks, off the request path, with retries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from testbed.gitlab.core.clock import now
from testbed.gitlab.settings import VERSION, Settings
from testbed.gitlab.store import Database, Delivery, Hook

__all__ = ["Courier", "request_headers"]

log = logging.getLogger(__name__)

TIMEOUT = 10
"""Seconds a receiver has to answer, as GitLab's default."""

BACK_OFF = (1, 2, 5, 10, 30, 60, 300)
"""Seconds before each further attempt; after the last one the delivery has failed."""

KEPT = timedelta(days=7)
"""How long finished deliveries stay in the log."""

AT_ONCE = 8
IDLE = 30.0
"""Longest time without a look at the queue."""

EVENT_NAMES = {
    "push_events": "Push Hook",
    "tag_push_events": "Tag Push Hook",
    "merge_requests_events": "Merge Request Hook",
    "note_events": "Note Hook",
    "confidential_note_events": "Confidential Note Hook",
    "issues_events": "Issue Hook",
    "confidential_issues_events": "Confidential Issue Hook",
    "pipeline_events": "Pipeline Hook",
    "job_events": "Job Hook",
    "deployment_events": "Deployment Hook",
    "releases_events": "Release Hook",
}


class Courier:
    """Works through the queue as a task of the server's event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look at the queue now. Callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._loop = asyncio.get_running_loop()
        await run_in_threadpool(self._forget_old)
        try:
            while True:
                self._wanted.clear()
                pause = await self._start_due()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), pause)
        finally:
            for task in self._running.values():
                task.cancel()

    def _forget_old(self) -> None:
        with self._database.write() as session:
            session.execute(delete(Delivery).where(Delivery.due_at.is_(None), Delivery.created_at < now() - KEPT))

    async def _start_due(self) -> float:
        """Start what is due, as far as there is room; how long nothing more will be."""
        try:
            due, pause = await run_in_threadpool(self._look, set(self._running))
        except SQLAlchemyError:
            log.exception("the queue of web hooks cannot be read; it is looked at again")
            return BACK_OFF[2]
        for number in due[: AT_ONCE - len(self._running)]:
            task = asyncio.create_task(self._work(number))
            self._running[number] = task
        return pause

    async def _work(self, number: int) -> None:
        try:
            await run_in_threadpool(self._deliver, number)
        except Exception:
            log.exception("delivery %s is tried again", number)
            await asyncio.sleep(BACK_OFF[-1])
        finally:
            del self._running[number]
            self._wanted.set()

    def _look(self, busy: set[int]) -> tuple[list[int], float]:
        """What is due and not in work, in order; and when the next one will be."""
        waiting = select(Delivery.id, Delivery.due_at).where(Delivery.due_at.is_not(None), Delivery.id.not_in(busy))
        with self._database.read() as session:
            rows = session.execute(waiting.order_by(Delivery.due_at, Delivery.id).limit(2 * AT_ONCE)).all()
        moment = now()
        due = [number for number, when in rows if when is not None and when <= moment]
        later = [(when - moment).total_seconds() for _, when in rows if when is not None and when > moment]
        return due, min([*later, IDLE])

    def _deliver(self, number: int) -> None:
        with self._database.read() as session:
            delivery = session.get(Delivery, number)
            if delivery is None or delivery.due_at is None:
                return
            headers = request_headers(delivery, self._settings)
            url, body = _url(delivery.hook), _body(delivery.hook, delivery.payload)
            verify = delivery.hook.enable_ssl_verification
        begun = time.monotonic()
        status, text, answered = _send(url, headers, body, verify)
        with self._database.write() as session:
            delivery = session.get(Delivery, number)
            if delivery is None:
                return  # the hook was deleted meanwhile
            delivery.execution_duration = round(time.monotonic() - begun, 3)
            delivery.response_status, delivery.response_body, delivery.response_headers = status, text, answered
            delivery.attempts += 1
            delivery.due_at = _next_attempt(delivery, status)


def _next_attempt(delivery: Delivery, status: str) -> datetime | None:
    """When to try again: never after an answer that a repetition would not change."""
    final = status.isdecimal() and not status.startswith("5") and status not in ("408", "429")
    if final or delivery.attempts > len(BACK_OFF):
        if not status.startswith("2"):
            log.warning("hook %s: delivery %s failed with %s", delivery.hook_id, delivery.id, status)
        return None
    return now() + timedelta(seconds=BACK_OFF[delivery.attempts - 1])


def _send(url: str, headers: dict[str, str], body: bytes, verify: bool) -> tuple[str, str, dict[str, str]]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                url, data=body, headers=headers, timeout=TIMEOUT, verify=verify, allow_redirects=False
            )
    except (requests.RequestException, ValueError) as error:
        return "internal error", f"{type(error).__name__}: no answer from the receiver", {}
    return str(answer.status_code), answer.text[:8192], dict(answer.headers)


def request_headers(delivery: Delivery, settings: Settings) -> dict[str, str]:
    """The headers of a delivery, secrets included."""
    hook = delivery.hook
    return {
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{VERSION}",
        "Idempotency-Key": delivery.idempotency_key,
        "X-Gitlab-Event": EVENT_NAMES[delivery.trigger],
        "X-Gitlab-Webhook-UUID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.external_url}/hooks/{hook.id}")),
        "X-Gitlab-Instance": settings.external_url,
        "X-Gitlab-Event-UUID": delivery.event_uuid,
        **({"X-Gitlab-Token": hook.token} if hook.token else {}),
        **{name: str(value) for name, value in hook.custom_headers.items()},
    }


def _url(hook: Hook) -> str:
    """The address with its variables filled in."""
    return re.sub(r"\{(\w+)\}", lambda match: str(hook.url_variables.get(match[1], match[0])), hook.url)


def _body(hook: Hook, payload: dict[str, Any]) -> bytes:
    if not hook.custom_webhook_template:
        return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return re.sub(r"\{\{(.+?)\}\}", lambda match: _look_up(payload, match[1]), hook.custom_webhook_template).encode()


def _look_up(payload: dict[str, Any], path: str) -> str:
    value: Any = payload
    for key in path.strip().split("."):
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    text = json.dumps(value, ensure_ascii=False)
    return text[1:-1] if isinstance(value, str) else text
