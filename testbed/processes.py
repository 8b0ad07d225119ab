"""What a testbed's process is: how it starts, when it is ready, what it must wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path

__all__ = ["Kind", "NotReadyError", "Process"]


@unique
class Kind(StrEnum):
    """How true to life a part of the testbed is."""

    REAL = "real"
    """The upstream program itself."""
    DOUBLE = "double"
    """Our stand-in for a program that cannot be had offline."""
    SIMULATED = "simulated"
    """An object without anything behind it, such as a KWOK node."""


class NotReadyError(Exception):
    """Why a part is not ready yet, as a sentence for people."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One supervised host process."""

    name: str
    command: tuple[str, ...]
    version: str
    probe: Callable[[], None]
    """Returns when ready; raises NotReadyError with the reason otherwise. Takes at most two seconds."""
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = Kind.REAL
    url: str | None = None
    note: str = ""
    """What else a person should know of it."""
    after: tuple[str, ...] = ()
    """Names of processes that must be ready before this one starts."""
    start_limit: int = 60
    """Seconds until a start that is not ready counts as failed."""
    stop_limit: int = 10
    """Seconds between SIGTERM and SIGKILL."""
    files: tuple[Path, ...] = ()
    """Configuration files: a change of their content restarts the process."""
