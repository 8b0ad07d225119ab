"""State that several machines share: the engine's Postgres backend on a real server, and its S3 backend on moto."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.contract.gitlab.support import eventually
from tests.integration.object_storage import running_object_storage
from tests.integration.postgres import running_postgres
from tests.integration.pulumi_workspace import Workspace, create

pytestmark = pytest.mark.integration

_UP = ("up", "--yes", "--skip-preview", "--stack", "dev")

_PROGRAM = """\
    import os, time
    from pathlib import Path
    import pulumi

    class Component(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("test:index:Component", "component")
            self.register_outputs({})

    Component()
    pulumi.export("greeting", pulumi.Output.secret("a canary that is never seen"))
    if held := os.environ.get("HELD"):
        Path(held).touch()
        while Path(held).exists():
            time.sleep(0.1)
"""


class Server(Protocol):
    """What the tests ask of a server that keeps state."""

    @property
    def environment(self) -> dict[str, str]:
        """What the engine needs to keep its state there."""

    @property
    def secret(self) -> str:
        """By which its clients are known."""

    def start(self) -> None:
        """Start it again, with what it had."""

    def stop(self) -> None:
        """Have it answer nobody."""

    def stored(self) -> bytes:
        """Everything that is kept there."""


SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "postgres": running_postgres,
    "s3": running_object_storage,
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with nothing in it."""
    with SERVERS[request.param]() as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path, server: Server) -> Workspace:
    """A project whose state is in the server."""
    return create(tmp_path, _PROGRAM, server.environment)


def _held(workspace: Workspace, marker: Path) -> subprocess.Popen[str]:
    """An update that goes on until the marker is removed."""
    slow = dataclasses.replace(workspace, environment={**workspace.environment, "HELD": str(marker)})
    update = slow.start(*_UP)
    eventually(marker.exists)
    return update


def test_state_is_in_the_server_and_its_secrets_are_not_readable_there(workspace: Workspace, server: Server) -> None:
    workspace.run(*_UP)
    workspace.run("preview", "--expect-no-changes", "--stack", "dev")
    exported = json.loads(workspace.run("stack", "export", "--stack", "dev"))
    assert [each["type"] for each in exported["deployment"]["resources"]][-1] == "test:index:Component"
    stored = server.stored()
    assert b"test:index:Component" in stored
    assert b"canary" not in stored


def test_two_updates_of_a_stack_never_overlap(workspace: Workspace, tmp_path: Path) -> None:
    first = _held(workspace, tmp_path / "held")
    refused = workspace.run(*_UP, code=1)
    assert "the stack is currently locked by 1 lock(s)" in refused
    assert f"(pid {first.pid})" in refused, "says who holds it"
    (tmp_path / "held").unlink()
    output, _ = first.communicate(timeout=60)
    assert first.returncode == 0, output
    workspace.run(*_UP)


def test_the_lock_of_a_killed_update_stays_until_a_person_removes_it(workspace: Workspace, tmp_path: Path) -> None:
    first = _held(workspace, tmp_path / "held")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert "locked" in workspace.run(*_UP, code=1)
    workspace.run("cancel", "--yes", "--stack", "dev")
    workspace.run(*_UP)
    workspace.run("preview", "--expect-no-changes", "--stack", "dev")


def test_an_update_without_its_server_changes_nothing_and_works_again_afterwards(
    workspace: Workspace, server: Server
) -> None:
    workspace.run(*_UP)
    server.stop()
    failure = workspace.run(*_UP, code=1)
    assert server.secret not in failure
    server.start()
    workspace.run("preview", "--expect-no-changes", "--stack", "dev")
    workspace.run(*_UP)


def test_state_moves_from_files_into_the_server(tmp_path: Path, server: Server) -> None:
    files = create(tmp_path, _PROGRAM)
    files.run(*_UP)
    state = tmp_path / "dev.json"
    files.run("stack", "export", "--stack", "dev", "--file", str(state))
    moved = dataclasses.replace(files, environment={**files.environment, **server.environment})
    moved.run("stack", "init", "dev")
    moved.run("stack", "import", "--stack", "dev", "--file", str(state))
    moved.run("preview", "--expect-no-changes", "--stack", "dev")
