"""A double on a free loopback port, driven by the unmodified python-gitlab client and git."""

from __future__ import annotations

import itertools
import json
import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gitlab
import pytest
import uvicorn

from testbed.gitlab.accounts import ensure_accounts
from testbed.gitlab.core.tokens import generate
from testbed.gitlab.forge import Forge
from testbed.gitlab.server import build, create_forge
from testbed.gitlab.settings import Settings
from testbed.toolchain import package_path

KAS_SECRET = "what the agent server proves itself with"

_numbers = itertools.count(1)


def fresh(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}-{next(_numbers)}"


@dataclass
class Double:
    """A running double and its two accounts."""

    url: str
    data: Path
    root_token: str
    bot_token: str
    server: uvicorn.Server
    thread: threading.Thread
    forge: Forge
    clients: list[gitlab.Gitlab] = field(default_factory=list)

    def client(self, token: str | None = None) -> gitlab.Gitlab:
        """A client with a token, or without any."""
        made = gitlab.Gitlab(self.url, private_token=token, retry_transient_errors=False)
        self.clients.append(made)
        return made

    def remote(self, project: str, token: str | None, user: str = "oauth2") -> str:
        """The address of a repository, with credentials in it."""
        host = self.url.removeprefix("http://")
        return f"http://{user}:{token}@{host}/{project}.git" if token else f"{self.url}/{project}.git"

    def stop(self) -> None:
        """End the server and close the clients."""
        for client in self.clients:
            client.session.close()
        self.server.should_exit = True
        self.thread.join(10)


def start(directory: Path, root_token: str, bot_token: str) -> Double:
    """Start a double on a free port, on data that may exist."""
    files = {}
    for name, token in (("root", root_token), ("bot", bot_token)):
        files[name] = directory / f"{name}.token"
        files[name].touch(mode=0o600)
        files[name].write_text(token)
    kas_secret = directory / "kas.secret"
    kas_secret.write_text(KAS_SECRET)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        data=directory / "data",
        external_url=url,
        registry="registry.example.com:5000",
        gitlab_ci_local=package_path("gitlab-ci-local"),
        kas_secret=kas_secret,
    )
    forge = create_forge(settings)
    ensure_accounts(forge.database, files["root"], files["bot"])
    config = uvicorn.Config(build(forge), log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    return Double(url, directory / "data", root_token, bot_token, server, thread, forge)


@contextmanager
def running_double(directory: Path) -> Iterator[Double]:
    """A double on new data, with accounts that nobody else knows."""
    made = start(directory, generate("glpat-"), generate("glpat-"))
    yield made
    made.stop()


@dataclass
class Person:
    """A user with a client."""

    id: int
    username: str
    token: str
    client: gitlab.Gitlab


def make_person(double: Double, root: gitlab.Gitlab, scopes: tuple[str, ...] = ("api",)) -> Person:
    """Create a user with a token of the given scopes."""
    name = fresh("user")
    user = root.users.create({"username": name, "name": name.title(), "email": f"{name}@example.com"})
    token = user.personal_access_tokens.create({"name": "test", "scopes": list(scopes)}).token
    return Person(user.id, name, token, double.client(token))


@dataclass
class Receiver:
    """Takes web hooks and answers as told."""

    url: str
    requests: queue.Queue[tuple[dict[str, str], bytes]]
    answers: list[int]

    def take(self) -> tuple[dict[str, str], bytes]:
        """The next request: headers and body."""
        return self.requests.get(timeout=20)


@dataclass
class Git:
    """The real git, in a directory of its own and without the user's configuration."""

    directory: Path

    def __call__(self, *arguments: str, check: bool = True, cwd: Path | None = None) -> str:
        """Run git; the output and the error output together."""
        done = self.run(*arguments, cwd=cwd)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run git, whatever comes of it."""
        environment = {
            "GIT_AUTHOR_EMAIL": "dev@example.com",
            "GIT_AUTHOR_NAME": "Dev",
            "GIT_COMMITTER_EMAIL": "dev@example.com",
            "GIT_COMMITTER_NAME": "Dev",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "PATH": os.environ["PATH"],
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def commit(self, name: str, text: str, message: str = "Change") -> str:
        """Commit one file; the new commit's name."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self("add", "--all")
        self("commit", "--quiet", "--message", message)
        return self("rev-parse", "HEAD").strip()


@contextmanager
def refused(status: int, body: Any = None) -> Iterator[None]:
    """Expect an error of the API: its status, and its JSON body when given."""
    with pytest.raises(gitlab.GitlabError) as caught:
        yield
    assert caught.value.response_code == status, caught.value
    if body is not None:
        assert json.loads(caught.value.response_body or b"null") == body


def eventually(seen: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is there."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if found := seen():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")
