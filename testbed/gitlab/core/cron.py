"""Schedules in cron's five fields: when the next time is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["CronError", "TimezoneError", "next_time"]

_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = {
    **{name: str(number) for number, name in enumerate(_MONTHS, 1)},
    **{name: str(number) for number, name in enumerate(_DAYS)},
}
_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LOOK_AHEAD = timedelta(days=366 * 5)


class CronError(ValueError):
    """Not a schedule, or one that never comes."""


class TimezoneError(ValueError):
    """Not a time zone."""


def next_time(schedule: str, timezone: str, after: datetime) -> datetime:
    """The first moment after another that fits a schedule.

    Raises:
        CronError: when there is none.
        TimezoneError: when the zone is unknown.
    """
    parts = _SHORTHANDS.get(schedule.strip(), schedule).lower().split()
    if len(parts) != len(_FIELDS):
        raise CronError(schedule)
    minutes, hours, days, months, weekdays = (
        _numbers(part, low, high) for part, (low, high) in zip(parts, _FIELDS, strict=True)
    )
    weekdays = {day % 7 for day in weekdays}
    either = parts[2] != "*" and parts[4] != "*"
    moment = after.astimezone(_zone(timezone)).replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = moment + _LOOK_AHEAD
    while moment < end:
        weekday = moment.isoweekday() % 7 in weekdays
        day = moment.day in days
        if moment.month not in months or not ((day or weekday) if either else (day and weekday)):
            moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
        elif moment.hour not in hours:
            moment = moment.replace(minute=0) + timedelta(hours=1)
        elif moment.minute not in minutes:
            moment += timedelta(minutes=1)
        else:
            return moment.astimezone(UTC)
    raise CronError(schedule)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimezoneError(name) from None


def _numbers(part: str, low: int, high: int) -> set[int]:
    """The numbers that one field stands for."""
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, dash, last = span.partition("-")
        try:
            start, stop = (low, high) if span == "*" else (_number(first), _number(last if dash else first))
            every = int(step) if step else 1
        except ValueError:
            raise CronError(part) from None
        if step and span != "*" and not dash:
            stop = high
        if every < 1 or not low <= start <= stop <= high:
            raise CronError(part)
        found.update(range(start, stop + 1, every))
    return found


def _number(text: str) -> int:
    return int(_WORDS.get(text, text))
