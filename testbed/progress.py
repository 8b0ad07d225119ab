"""Progress of a long command: one line per step with its time, and what it is waiting for meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

__all__ = ["Progress"]

_PLAIN_INTERVAL = 10.0
"""Seconds between lines about one and the same wait where a line cannot be rewritten."""


class Progress:
    """Reports steps on a terminal, or as plain lines where there is none."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._begun = time.monotonic()
        self._status: Status | None = None
        self._said = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._begun

    def say(self, text: str) -> None:
        """One line that is neither success nor failure."""
        self._line(escape(text))

    def done(self, text: str, seconds: float | None = None) -> None:
        """One finished step."""
        self._line(f"[green]✓[/] {escape(text)}{_time(seconds)}")

    def note(self, text: str) -> None:
        """Something that a person should know although nothing failed."""
        self._line(f"[yellow]![/] {escape(text)}")

    def failed(self, text: str, seconds: float | None = None) -> None:
        """One failed step."""
        self._line(f"[red]✗[/] {escape(text)}{_time(seconds)}")

    def waiting(self, text: str) -> None:
        """What is being waited for right now."""
        if self._status is not None:
            self._status.update(f"{escape(text)} ({self.elapsed:.0f} s)")
        elif time.monotonic() - self._said >= _PLAIN_INTERVAL:
            self._line(f"… {escape(text)} ({self.elapsed:.0f} s)")

    @contextmanager
    def live(self) -> Iterator[None]:
        """While it lasts, `waiting` rewrites one line if the output is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status("") as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """One step; the block gets a function that says what it waits for."""
        begun = time.monotonic()
        self.waiting(text)
        try:
            yield lambda detail: self.waiting(f"{text}: {detail}")
        except BaseException:
            self.failed(text, time.monotonic() - begun)
            raise
        self.done(text, time.monotonic() - begun)

    def _line(self, markup: str) -> None:
        self._said = time.monotonic()
        self._console.print(markup, soft_wrap=True)


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f" [dim]{seconds:.1f} s[/]"
