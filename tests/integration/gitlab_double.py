"""A GitLab double of the test's own, as a process."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitlab import Gitlab
from gitlab.exceptions import GitlabError
from requests import RequestException

from tests.free_ports import free_port

__all__ = ["RunningGitLab", "serving"]

_LIMIT = 60  # seconds


@dataclass(frozen=True, kw_only=True)
class RunningGitLab:
    """Where it is, and its administrator's token."""

    url: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What points the provider there."""
        return {"GITLAB_BASE_URL": f"{self.url}/api/v4/", "GITLAB_TOKEN": self.token}

    @property
    def client(self) -> Gitlab:
        """To look at it past the provider."""
        return Gitlab(self.url, private_token=self.token)

    @staticmethod
    def in_days(days: int) -> str:
        """A date that far from now."""
        return (datetime.now(tz=UTC) + timedelta(days=days)).date().isoformat()


@contextmanager
def serving(root: Path, *, bot: bool = False) -> Iterator[RunningGitLab]:
    """Run one on a free port, with the user ``bighpc-bot`` if wanted, and end it."""
    root.mkdir(parents=True, exist_ok=True)
    token_file = _token(root / "root-token")
    address = f"127.0.0.1:{free_port()}"
    running = RunningGitLab(url=f"http://{address}", token=token_file.read_text())
    command = [sys.executable, "-m", "testbed.gitlab", "--data", str(root / "data"), "--listen", address]
    command += ["--external-url", running.url, "--root-token-file", str(token_file)]
    if bot:
        command += ["--bot-token-file", str(_token(root / "bot-token"))]
    with (root / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(running, process, root / "log")
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_LIMIT)


def _token(file: Path) -> Path:
    file.touch(mode=0o600)
    file.write_text(f"glpat-{secrets.token_hex(10)}")
    return file


def _wait(running: RunningGitLab, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _LIMIT
    while not _answers(running):
        assert process.poll() is None, f"the GitLab double ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"the GitLab double does not answer:\n{log.read_text()}"
        time.sleep(0.2)


def _answers(running: RunningGitLab) -> bool:
    try:
        running.client.auth()
    except (GitlabError, RequestException):
        return False
    return True
