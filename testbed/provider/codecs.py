"""How the published schema and GitLab's API spell the same value differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

__all__ = [
    "COMMA_SEPARATED",
    "DATE",
    "IDS",
    "INTEGER",
    "LEVEL",
    "PLAIN",
    "REF",
    "SET",
    "SPACE_SEPARATED",
    "SSH_KEY",
    "TEXT",
    "TIMESTAMP",
    "Codec",
    "Records",
    "level_name",
    "level_number",
]

LEVELS: Mapping[str, int] = {
    "no one": 0,
    "minimal": 5,
    "guest": 10,
    "planner": 15,
    "reporter": 20,
    "security manager": 25,
    "developer": 30,
    "maintainer": 40,
    "owner": 50,
    "admin": 60,
}
_NAMES = {number: name for name, number in LEVELS.items()}


def level_number(name: str) -> int:
    """GitLab's number of a role.

    Raises:
        ValueError: when there is no such role.
    """
    try:
        return LEVELS[name]
    except KeyError:
        raise ValueError(f"{name!r} is no access level; use one of: {', '.join(LEVELS)}") from None


def level_name(number: int) -> str:
    """The role that GitLab's number stands for."""
    return _NAMES.get(number, str(number))


class Codec:
    """Translates one property; this one leaves the value as it is."""

    def encode(self, value: Any) -> Any:
        """A property value as GitLab's API takes it.

        Raises:
            ValueError: when no such value is possible.
        """
        return value

    def decode(self, value: Any) -> Any:
        """GitLab's answer as a property value."""
        return value

    def same(self, left: Any, right: Any) -> bool:
        """Whether two property values mean the same."""
        return bool(left == right)


class _Text(Codec):
    def encode(self, value: Any) -> Any:
        if isinstance(value, bool | list | dict):
            raise ValueError(f"{value!r} is no string")
        return str(value)

    def same(self, left: Any, right: Any) -> bool:
        return str(left) == str(right)


class _Integer(Codec):
    def encode(self, value: Any) -> Any:
        # The id of a resource is a string everywhere in Pulumi, even where GitLab's is a number.
        return int(value)

    def same(self, left: Any, right: Any) -> bool:
        try:
            return int(left) == int(right)
        except (TypeError, ValueError):
            return False


class _Level(Codec):
    def encode(self, value: Any) -> Any:
        return level_number(value)

    def decode(self, value: Any) -> Any:
        return level_name(value)


class _Set(Codec):
    def same(self, left: Any, right: Any) -> bool:
        return isinstance(left, list) and isinstance(right, list) and sorted(map(str, left)) == sorted(map(str, right))


class _Ids(_Set):
    """Numbers of objects, which GitLab answers with as a whole."""

    def decode(self, value: Any) -> Any:
        return [entry["id"] for entry in value]


class _CommaSeparated(_Set):
    def encode(self, value: Any) -> Any:
        return ",".join(str(item) for item in value)

    def decode(self, value: Any) -> Any:
        if isinstance(value, str):
            return [item for item in value.split(",") if item]
        return [item["name"] if isinstance(item, dict) else item for item in value]


class _SpaceSeparated(_Set):
    def encode(self, value: Any) -> Any:
        return " ".join(str(item) for item in value)


class _Date(Codec):
    def encode(self, value: Any) -> Any:
        return date.fromisoformat(value).isoformat()

    def decode(self, value: Any) -> Any:
        return str(value)[:10]


class _Timestamp(Codec):
    def encode(self, value: Any) -> Any:
        self._moment(value)
        return value

    def same(self, left: Any, right: Any) -> bool:
        try:
            return self._moment(left) == self._moment(right)
        except (TypeError, ValueError):
            return super().same(left, right)

    @staticmethod
    def _moment(value: str) -> datetime:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Ref(Codec):
    """A branch: GitLab answers with ``refs/heads/main`` where it was told ``main``."""

    def same(self, left: Any, right: Any) -> bool:
        return str(left).removeprefix("refs/heads/") == str(right).removeprefix("refs/heads/")


class _SshKey(Codec):
    """A public key: GitLab may drop the comment behind it."""

    def same(self, left: Any, right: Any) -> bool:
        return str(left).split()[:2] == str(right).split()[:2]


class Records(Codec):
    """A list of objects in which only some fields are the program's; GitLab adds others."""

    def __init__(self, fields: Iterable[str], *, ordered: bool = False) -> None:
        self._fields = tuple(fields)
        self._ordered = ordered

    def same(self, left: Any, right: Any) -> bool:
        """Whether the program's fields are the same."""
        if not isinstance(left, list) or not isinstance(right, list):
            return bool(left == right)
        keys = [[self._key(item) for item in items] for items in (left, right)]
        return keys[0] == keys[1] if self._ordered else sorted(keys[0]) == sorted(keys[1])

    def _key(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple("" if item.get(field) is None else str(item[field]) for field in self._fields)


PLAIN = Codec()
TEXT = _Text()
INTEGER = _Integer()
LEVEL = _Level()
SET = _Set()
IDS = _Ids()
COMMA_SEPARATED = _CommaSeparated()
SPACE_SEPARATED = _SpaceSeparated()
DATE = _Date()
TIMESTAMP = _Timestamp()
REF = _Ref()
SSH_KEY = _SshKey()
