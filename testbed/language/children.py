"""The processes that the language host has started, and how they end with it."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

__all__ = ["CancelledError", "Children", "Chunk", "chunks", "interrupt"]

_PATIENCE = 5.0  # seconds between asking a child to end and killing it
_CHUNK = 65536  # bytes


@dataclass(frozen=True)
class Chunk:
    """A piece of what a child printed."""

    stream: str
    """``stdout`` or ``stderr``."""
    data: bytes


class CancelledError(Exception):
    """Nothing is started any more."""


class Children:
    """All running children. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called: no new children then."""
        return self._closed

    @contextlib.contextmanager
    def running(
        self, command: list[str], *, env: dict[str, str], cwd: str, capture: bool
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a child for the length of the block; it is ended when the block is left before it.

        Args:
            command: program and arguments.
            env: its environment.
            cwd: its working directory.
            capture: read its output through `chunks`; else it writes where we write.

        Raises:
            CancelledError: after `close`.
        """
        pipe = subprocess.PIPE if capture else None
        with self._lock:
            if self._closed:
                raise CancelledError("the update was cancelled")
            child = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
            self._running.add(child)
        try:
            yield child
        finally:
            end(child)
            with self._lock:
                self._running.discard(child)

    def close(self) -> None:
        """End every child and start no more."""
        with self._lock:
            self._closed = True
            children = list(self._running)
        for child in children:
            interrupt(child)
        for child in children:
            _see_out(child)


def interrupt(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, as Ctrl-C does."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)


def end(child: subprocess.Popen[bytes]) -> None:
    """See to it that a child has ended, politely first."""
    if child.poll() is None:
        interrupt(child)
        _see_out(child)


def _see_out(child: subprocess.Popen[bytes]) -> None:
    """Wait for an interrupted child. A second interrupt would break off what it does and says about the first."""
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def chunks(child: subprocess.Popen[bytes]) -> Iterator[Chunk]:
    """What a captured child prints, as it prints it, until both its streams are closed."""
    arrived: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()

    def pump(name: str, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.read1(_CHUNK):  # type: ignore[attr-defined]
                arrived.put(Chunk(name, data))
        arrived.put(None)

    streams = {"stdout": child.stdout, "stderr": child.stderr}
    open_streams = 0
    for name, stream in streams.items():
        if stream is not None:
            threading.Thread(target=pump, args=(name, stream), daemon=True).start()
            open_streams += 1
    while open_streams:
        chunk = arrived.get()
        if chunk is None:
            open_streams -= 1
        else:
            yield chunk
