"""Whose lock is stale: only who is certainly gone."""

from __future__ import annotations

import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from gitops.release.lock import Lock, locks

SAID = """\
error: the stack is currently locked by 2 lock(s). Either wait ...
  file:///srv/.pulumi/locks/organization/bighpc/dev/1.json: created by root@node-1 (pid 30553) at 2026-11-04T22:06:59Z
  file:///srv/.pulumi/locks/organization/bighpc/dev/2.json: created by ci@runner (pid 7) at 2026-11-04T23:06:59+01:00
"""


def made(**about: object) -> Lock:
    known: dict[str, object] = {"user": "root", "host": socket.gethostname(), "pid": os.getpid()}
    return Lock(**{**known, "since": datetime.now(UTC), **about})  # type: ignore[arg-type]  # by name


def test_the_engine_says_who_holds_a_stack() -> None:
    first, second = locks(SAID)
    assert (first.user, first.host, first.pid) == ("root", "node-1", 30553)
    assert (second.user, second.host, second.pid) == ("ci", "runner", 7)
    assert first.since == second.since == datetime(2026, 11, 4, 22, 6, 59, tzinfo=UTC)
    assert str(first) == "root@node-1 (process 30553) since 2026-11-04 22:06:59 UTC"
    assert list(locks("error: no resource named none")) == []


def test_a_process_of_this_machine_that_is_gone_holds_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert made(pid=process.pid).is_stale(None)
    assert not made().is_stale(None)


def test_of_another_machine_nobody_knows() -> None:
    assert not made(host="elsewhere", pid=1).is_stale(None)


@pytest.mark.parametrize(("limit", "stale"), [(None, False), (7200, False), (3600, True)])
def test_a_site_can_say_how_long_an_update_may_take(limit: float | None, stale: bool) -> None:
    assert made(host="elsewhere", since=datetime.now(UTC) - timedelta(hours=1.5)).is_stale(limit) == stale
