"""Delivery of queued web hooks, off the request path, with retries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import select
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

AT_ONCE = 8
IDLE = 30.0
"""Longest time without a look at the queue."""

EVENT_NAMES = {"push_events": "Push Hook", "tag_push_events": "Tag Push Hook"}


class Courier:
    """Works through the queue as a task of the server's event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Look at the queue now. Callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._wanted.clear()
            due, pause = await run_in_threadpool(self._look)
            if due:
                await asyncio.gather(*(run_in_threadpool(self._deliver, number) for number in due))
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    def _look(self) -> tuple[list[int], float]:
        """What is due, in order; and otherwise how long nothing will be."""
        waiting = select(Delivery).where(Delivery.due_at.is_not(None)).order_by(Delivery.due_at, Delivery.id)
        with self._database.read() as session:
            rows = session.scalars(waiting.limit(AT_ONCE)).all()
            due = [row.id for row in rows if row.due_at and row.due_at <= now()]
            later = [row.due_at for row in rows if row.due_at]
        pause = (later[0] - now()).total_seconds() if later else IDLE
        return due, min(max(pause, 0.05), IDLE)

    def _deliver(self, number: int) -> None:
        with self._database.read() as session:
            delivery = session.get(Delivery, number)
            if delivery is None or delivery.due_at is None:
                return
            request = _request(delivery, self._settings)
            verify = delivery.hook.enable_ssl_verification
        begun = time.monotonic()
        status, body, headers = _send(request, verify)
        with self._database.write() as session:
            delivery = session.get(Delivery, number)
            if delivery is None:
                return  # the hook was deleted meanwhile
            delivery.execution_duration = round(time.monotonic() - begun, 3)
            delivery.response_status, delivery.response_body, delivery.response_headers = status, body, headers
            delivery.attempts += 1
            delivery.due_at = _next_attempt(delivery, status)


def _next_attempt(delivery: Delivery, status: str) -> Any:
    """When to try again: never after an answer that a repetition would not change."""
    final = status.isdecimal() and not status.startswith("5") and status not in ("408", "429")
    if final or delivery.attempts > len(BACK_OFF):
        if not status.startswith("2"):
            log.warning("hook %s: delivery %s failed with %s", delivery.hook_id, delivery.id, status)
        return None
    return now() + timedelta(seconds=BACK_OFF[delivery.attempts - 1])


def _send(request: requests.PreparedRequest, verify: bool) -> tuple[str, str, dict[str, str]]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.send(request, timeout=TIMEOUT, verify=verify, allow_redirects=False)
    except requests.RequestException as error:
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
        "X-Gitlab-Webhook-UUID": delivery.idempotency_key,
        "X-Gitlab-Instance": settings.external_url,
        "X-Gitlab-Event-UUID": delivery.event_uuid,
        **({"X-Gitlab-Token": hook.token} if hook.token else {}),
        **{name: str(value) for name, value in hook.custom_headers.items()},
    }


def _request(delivery: Delivery, settings: Settings) -> requests.PreparedRequest:
    hook = delivery.hook
    headers = request_headers(delivery, settings)
    return requests.Request("POST", _url(hook), headers=headers, data=_body(hook, delivery.payload)).prepare()


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
