"""Spans of time as configurations write them: ``30 minutes``, ``1h 30m``, ``2 weeks and 3 days``, ``3600``."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_UNITS = (
    (r"s|sec|secs|second|seconds", 1),
    (r"m|min|mins|minute|minutes", 60),
    (r"h|hr|hrs|hour|hours", 3600),
    (r"d|day|days", 86_400),
    (r"w|wk|wks|week|weeks", 604_800),
    (r"mo|mon|mos|month|months", 2_592_000),
    (r"y|yr|yrs|year|years", 31_536_000),
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def seconds(text: str | int) -> int | None:
    """The span in seconds; nothing for ``never``.

    Raises:
        ValueError: when it is no span.
    """
    plain = str(text).strip().lower()
    if plain == "never":
        return None
    rest = _PART.sub("", plain).replace("and", "").replace(",", "").strip()
    found = _PART.findall(plain)
    if rest or not found:
        raise ValueError(f"{text!r} is no duration; write one such as `30 minutes` or `1h 30m`")
    return round(sum(float(number) * _factor(unit, str(text)) for number, unit in found))


def _factor(unit: str, text: str) -> int:
    if not unit:
        return 1
    for pattern, factor in _UNITS:
        if re.fullmatch(pattern, unit):
            return factor
    raise ValueError(f"{text!r}: {unit!r} is no unit of time; use seconds, minutes, hours, days, weeks, ...")
