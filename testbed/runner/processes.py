"""Runs a program for a job: in a session of its own, with an end, and with nothing left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from testbed.runner.stop import Reason, Stop, StoppedError

__all__ = ["WITH_US", "confined", "run"]

WITH_US = ("setpriv", "--pdeathsig=KILL", "--")
"""The beginning of a command that ends with the runner."""

_TICK = 0.2
_PIECE = 64 * 1024
_GRACE = 5.0
"""Seconds between asking a program to end and ending it."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: Callable[[bytes], None],
    seconds: float,
    stop: Stop,
) -> int:
    """Run a program to its end.

    Args:
        command: program and arguments.
        environment: all of its environment.
        directory: where it starts.
        output: takes what it prints, both streams in one.
        seconds: its time limit.
        stop: may end it earlier.

    Returns:
        Its exit code; 128 and the signal's number when a signal ended it.

    Raises:
        StoppedError: when it was ended, by the time limit too.
    """
    stop.check()
    limit = time.monotonic() + seconds
    child = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    reason: Reason | None = None
    with child:
        try:
            reason = _follow(child, output, limit, stop)
        finally:
            _end(child, output, patient=reason is not None)
    if reason is not None:
        raise StoppedError(reason)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _follow(child: subprocess.Popen[bytes], output: Callable[[bytes], None], limit: float, stop: Stop) -> Reason | None:
    """Read until the program has ended; the reason when it is to be ended before."""
    while child.poll() is None:
        if stop.reason is not None:
            return stop.reason
        if time.monotonic() > limit:
            return Reason.TIMEOUT
        _read(child, output, _TICK)
    return None


def _end(child: subprocess.Popen[bytes], output: Callable[[bytes], None], *, patient: bool) -> None:
    """End whatever is left of the program's session, and read the rest of what it printed."""
    if patient:
        _signal(child, signal.SIGTERM)
        limit = time.monotonic() + _GRACE
        while child.poll() is None and time.monotonic() < limit:
            _read(child, output, _TICK)
    _signal(child, signal.SIGKILL)
    child.wait()
    # What is still in the pipe, and no more: a process that left the session may hold it open for ever.
    while _read(child, output, 0):
        pass


def _read(child: subprocess.Popen[bytes], output: Callable[[bytes], None], seconds: float) -> bool:
    """Pass on what the program has printed, waiting for it at most so long; whether there was something."""
    assert child.stdout is not None  # noqa: S101 - opened as a pipe above
    ready, _, _ = select.select([child.stdout], [], [], seconds)
    data = os.read(child.stdout.fileno(), _PIECE) if ready else b""
    if data:
        output(data)
    elif ready and seconds:
        time.sleep(seconds)  # It closed its output and goes on.
    return bool(data)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def confined(user: int | None) -> tuple[str, ...]:
    """The beginning of a command whose processes all end with it, and with the runner, and gain no rights.

    In a process namespace of their own they see each other only, and the kernel kills them together. Where the kernel
    does not give us one, they are at least told apart by their session.

    Args:
        user: number of the user to become; nothing keeps ours.
    """
    drop = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--")
    return (*_together(), *(drop if user is not None else ("setpriv", "--no-new-privs", "--")))


@cache
def _together() -> tuple[str, ...]:
    namespace = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
    own_user = (*namespace, "--user", "--map-current-user")
    attempt = (*WITH_US, *(namespace if os.geteuid() == 0 else own_user), "--")
    done = subprocess.run([*attempt, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10)
    # Its first process is a shell of ours: the kernel forgets whose end ends a process that changes its user.
    return (*attempt, "sh", "-c", '"$@"; exit "$?"', "job") if done.returncode == 0 else WITH_US
