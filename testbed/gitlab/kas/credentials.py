"""What callers send: ``Authorization: Bearer <kind>:<agent>:<token>``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique

from testbed.gitlab.kas.refusals import RefusedError

__all__ = ["Credentials", "Kind", "read_credentials"]


@unique
class Kind(StrEnum):
    """Whose token it is."""

    JOB = "ci"
    PERSON = "pat"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who calls, and for which agent."""

    kind: Kind
    agent_id: int
    token: str = field(repr=False)


def read_credentials(headers: Sequence[str]) -> Credentials:
    """The credentials of a request.

    Args:
        headers: the values of its ``Authorization`` headers.

    Raises:
        RefusedError: 401, with what is wrong about them.
    """
    if not headers:
        raise RefusedError(401, "Unauthorized: no valid credentials provided")
    if len(headers) > 1:
        raise _unreadable(f"expecting a single header, got {len(headers)}")
    scheme, _, value = headers[0].partition(" ")
    if scheme != "Bearer":
        raise _unreadable("expecting Bearer token")
    kind, separator, rest = value.partition(":")
    if not separator:
        raise _unreadable("invalid value")
    if kind not in list(Kind):
        raise _unreadable("unknown token type")
    number, separator, token = rest.partition(":")
    if not separator:
        raise _unreadable("invalid value")
    if not (number.isascii() and number.isdecimal()):
        raise _unreadable("failed to parse: the agent's id is no number")
    if not token:
        raise _unreadable("empty token")
    return Credentials(kind=Kind(kind), agent_id=int(number), token=token)


def _unreadable(problem: str) -> RefusedError:
    return RefusedError(401, f"Unauthorized: Authorization header: {problem}")
