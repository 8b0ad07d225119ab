"""Time, always in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

__all__ = ["now", "optional_timestamp", "timestamp", "today"]


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def today() -> date:
    """The present day."""
    return now().date()


def timestamp(moment: datetime) -> str:
    """A moment as the API writes it: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def optional_timestamp(moment: datetime | None) -> str | None:
    """A moment as the API writes it, if there is one."""
    return None if moment is None else timestamp(moment)
