"""Answers: how values become JSON."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from starlette.responses import Response

from testbed.gitlab.core.clock import timestamp
from testbed.gitlab.core.pagination import Page

__all__ = ["dump", "respond"]


def dump(value: Any) -> str:
    """JSON with times and dates as the API writes them."""
    return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False)


def respond(result: object, status: int) -> Response:
    """The response for what an endpoint returned."""
    if isinstance(result, Response):
        return result
    if isinstance(result, Page):
        return Response(dump(result.items), status, result.headers, "application/json")
    if result is None:
        return Response(status_code=status)
    return Response(dump(result), status, media_type="application/json")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in an answer: the API has no form for it")
