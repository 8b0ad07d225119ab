"""Pages of results and GitLab's headers about them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from testbed.gitlab.core.errors import ApiError
from testbed.gitlab.core.params import Params, parse

__all__ = ["Page", "Paging", "Window"]

T = TypeVar("T")

COUNT_LIMIT = 10_000
"""Beyond this GitLab gives no totals."""

HIGHEST_PER_PAGE = 100


class Window(Params):
    """Which page is wanted."""

    page: int = Field(1, ge=1)
    per_page: int = Field(20, ge=1)
    pagination: Literal["legacy", "keyset"] = "legacy"
    order_by: str | None = None
    sort: Literal["asc", "desc"] | None = None
    cursor: str | None = None

    @property
    def size(self) -> int:
        """Rows on a page."""
        return min(self.per_page, HIGHEST_PER_PAGE)


@dataclass(frozen=True)
class Page:
    """One page, rendered, with its headers."""

    items: list[Any]
    headers: dict[str, str]


class Paging:
    """Cuts pages out of queries and lists for one request."""

    def __init__(self, url: str, query: Mapping[str, Any]) -> None:
        """Remember the request: `url` is its address without query, `query` its parameters."""
        self._url = url
        self._query = query
        self._window = parse(Window, dict(query))

    def rows(
        self,
        session: Session,
        statement: Select[T],
        key: InstrumentedAttribute[int],
        render: Callable[[T], Any],
    ) -> Page:
        """A page of a query; `key` is the primary key, which keyset pagination follows."""
        window = self._window
        if window.pagination == "keyset":
            return self._keyset(session, statement, key, render)
        total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
        found = session.scalars(statement.limit(window.size).offset((window.page - 1) * window.size)).unique()
        return Page([render(row) for row in found], self._headers(total))

    def items(self, found: Sequence[T], render: Callable[[T], Any]) -> Page:
        """A page of a list that is at hand."""
        start = (self._window.page - 1) * self._window.size
        return Page([render(item) for item in found[start : start + self._window.size]], self._headers(len(found)))

    def _keyset(
        self, session: Session, statement: Select[T], key: InstrumentedAttribute[int], render: Callable[[T], Any]
    ) -> Page:
        window = self._window
        if window.order_by not in (None, "id"):
            raise ApiError(405, {"error": "Keyset pagination is not yet available for this type of request"})
        descending = window.sort != "asc"
        statement = statement.order_by(None).order_by(key.desc() if descending else key.asc())
        after = _decode(window.cursor) if window.cursor else None
        if after is not None:
            statement = statement.where(key < after if descending else key > after)
        found = list(session.scalars(statement.limit(window.size + 1)).unique())
        headers: dict[str, str] = {"X-Per-Page": str(window.size)}
        if len(found) > window.size:
            del found[window.size :]
            cursor = _encode(int(getattr(found[-1], key.key)))
            headers["Link"] = self._link("next", cursor=cursor)
        return Page([render(row) for row in found], headers)

    def _headers(self, total: int) -> dict[str, str]:
        window = self._window
        last = max(1, -(-total // window.size))
        previous = window.page - 1 if 1 < window.page <= last + 1 else None
        following = window.page + 1 if window.page < last else None
        links = [self._link("prev", page=previous)] if previous else []
        links += [self._link("next", page=following)] if following else []
        links.append(self._link("first", page=1))
        headers = {
            "X-Page": str(window.page),
            "X-Per-Page": str(window.size),
            "X-Next-Page": str(following or ""),
            "X-Prev-Page": str(previous or ""),
        }
        if total <= COUNT_LIMIT:
            headers |= {"X-Total": str(total), "X-Total-Pages": str(last)}
            links.append(self._link("last", page=last))
        return headers | {"Link": ", ".join(links)}

    def _link(self, relation: str, **changes: int | str) -> str:
        query = {**self._query, "per_page": self._window.size, **changes}
        return f'<{self._url}?{urlencode(query, doseq=True)}>; rel="{relation}"'


def _encode(key: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"id": str(key), "_kd": "n"}).encode()).decode()


def _decode(cursor: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["id"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise ApiError(400, {"error": "cursor is invalid"}) from None
