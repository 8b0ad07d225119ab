"""The double as a process: how it starts, ends, and what survives."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gitlab
import pytest

from testbed.gitlab.__main__ import main
from testbed.gitlab.repositories.backend import program
from tests.contract.gitlab.support import Receiver
from tests.free_ports import free_port

TOKEN = "glpat-a-token-for-this-test"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """The administrator's token in a file that nobody else can read."""
    file = tmp_path / "root.token"
    file.touch(mode=0o600)
    file.write_text(TOKEN)
    return file


class Process:
    """One start of ``python -m testbed.gitlab``."""

    def __init__(self, data: Path, token_file: Path) -> None:
        port = free_port()
        self.log = data.with_suffix(".log")
        self.url = f"http://127.0.0.1:{port}"
        arguments = ["--data", str(data), "--listen", f"127.0.0.1:{port}", "--external-url", self.url]
        command = [sys.executable, "-m", "testbed.gitlab", *arguments, "--root-token-file", str(token_file)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.client = gitlab.Gitlab(self.url, private_token=TOKEN)
        self._wait()

    def _wait(self) -> None:
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.log.read_text()
            try:
                self.client.auth()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait."""
        self.client.session.close()
        self.process.send_signal(how)
        return self.process.wait(30)


@pytest.fixture
def starts(tmp_path: Path, token_file: Path) -> Iterator[list[Process]]:
    """Processes that were started; they are ended with the test."""
    found: list[Process] = []
    yield found
    for each in found:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def test_everything_survives_a_kill_and_a_restart(
    tmp_path: Path, token_file: Path, starts: list[Process], receiver: Receiver
) -> None:
    data = tmp_path / "data"
    first = Process(data, token_file)
    starts.append(first)
    project = first.client.projects.create({"name": "kept", "initialize_with_readme": True})
    receiver.answers.extend([503] * 2)
    project.hooks.create({"url": receiver.url})
    project.files.create({"file_path": "a", "branch": "main", "content": "1", "commit_message": "Told later"})
    head = project.commits.get("main").id
    receiver.take()
    first.end(signal.SIGKILL)
    # What Git's hook leaves when the server dies between the push and its recording.
    change = [head, "0" * 40, "refs/heads/gone"]
    receipt = {"project_id": project.id, "user_id": 1, "changes": [change]}
    (data / "spool" / "left.json").write_text(json.dumps(receipt))

    second = Process(data, token_file)
    starts.append(second)
    seen = second.client.projects.get("root/kept")
    assert seen.files.raw("a", "main") == b"1"
    assert [each.name for each in seen.protectedbranches.list()] == ["main"]
    bodies = [json.loads(receiver.take()[1]) for _ in range(3)]
    assert {body["ref"] for body in bodies} == {"refs/heads/main", "refs/heads/gone"}
    assert list((data / "spool").iterdir()) == []
    assert second.end(signal.SIGTERM) == 0
    assert TOKEN not in second.log.read_text()


@pytest.mark.parametrize("address", ["0.0.0.0:8929", "192.0.2.1:8929", "localhost", "127.0.0.1:x"])
def test_it_listens_on_loopback_only(
    tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with pytest.raises(SystemExit):
        main(
            [
                "--data",
                str(tmp_path / "data"),
                "--listen",
                address,
                "--external-url",
                "http://x",
                "--root-token-file",
                "x",
            ]
        )
    assert repr(address) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "mode", "rule"),
    [
        (TOKEN, 0o644, "mode 0644 lets others read it"),
        ("short", 0o600, "one word of at least 20 characters"),
        (f"{TOKEN} {TOKEN}", 0o600, "one word of at least 20 characters"),
        (None, None, "No such file or directory"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named_without_its_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, mode: int | None, rule: str
) -> None:
    file = tmp_path / "token"
    if content is not None and mode is not None:
        file.write_text(content)
        file.chmod(mode)
    arguments = ["--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--external-url", "http://x"]
    assert main([*arguments, "--root-token-file", str(file)]) == 1
    said = capsys.readouterr().err
    assert str(file) in said
    assert rule in said
    assert TOKEN not in said


@pytest.mark.parametrize("address", ["127.0.0.1:8929", "ftp://x", "http://", "http://x/gitlab"])
def test_an_external_address_is_scheme_host_and_port(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    arguments = ["--data", str(tmp_path), "--listen", "127.0.0.1:0", "--external-url", address]
    with pytest.raises(SystemExit):
        main([*arguments, "--root-token-file", "x"])
    assert repr(address) in capsys.readouterr().err


def test_a_machine_without_git_is_told_what_to_install(
    tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--external-url", "http://x"]
    assert main([*arguments, "--root-token-file", str(token_file)]) == 1
    assert "install the package git" in capsys.readouterr().err


def test_two_accounts_do_not_share_a_token(
    tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--external-url", "http://x"]
    assert main([*arguments, "--root-token-file", str(token_file), "--bot-token-file", str(token_file)]) == 1
    assert "each needs its own" in capsys.readouterr().err


def test_data_of_another_version_is_refused(
    tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import sqlite3

    (tmp_path / "data").mkdir()
    connection = sqlite3.connect(tmp_path / "data" / "gitlab.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    arguments = ["--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--external-url", "http://x"]
    assert main([*arguments, "--root-token-file", str(token_file)]) == 1
    assert "its layout is number 99" in capsys.readouterr().err


def test_a_busy_port_is_named(tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        arguments = ["--data", str(tmp_path / "data"), "--listen", address, "--external-url", f"http://{address}"]
        assert main([*arguments, "--root-token-file", str(token_file)]) == 1
    assert f"cannot listen on {address}: Address already in use" in capsys.readouterr().err
