"""A double for all tests of this directory, and what the tests start from."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.page_visitor import Visitor
from tests.contract.gitlab.support import Double, Git, Person, Receiver, fresh, make_person, running_double


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """One double for all tests; each test makes groups and projects of its own in it."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture(scope="session")
def root(double: Double) -> gitlab.Gitlab:
    """The administrator's client."""
    return double.client(double.root_token)


@pytest.fixture(scope="session")
def bot(double: Double) -> gitlab.Gitlab:
    """The client of the platform's bot, which is an ordinary user."""
    return double.client(double.bot_token)


@pytest.fixture(scope="session")
def shared(bot: gitlab.Gitlab) -> Project:
    """A project with a README for tests that leave nothing behind: they read, or are refused."""
    name = fresh("shared")
    owner = bot.groups.create({"name": name, "path": name})
    made = bot.projects.create({"name": name, "namespace_id": owner.id, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


@pytest.fixture
def group(bot: gitlab.Gitlab) -> Group:
    """A private group that the bot owns."""
    name = fresh("group")
    made = bot.groups.create({"name": name, "path": name})
    assert isinstance(made, Group)
    return made


@pytest.fixture
def empty_project(bot: gitlab.Gitlab, group: Group) -> Project:
    """A project without a commit."""
    made = bot.projects.create({"name": fresh("empty"), "namespace_id": group.id})
    assert isinstance(made, Project)
    return made


@pytest.fixture
def project(bot: gitlab.Gitlab, group: Group) -> Project:
    """A project with a README on its default branch `main`."""
    made = bot.projects.create({"name": fresh("project"), "namespace_id": group.id, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


@pytest.fixture
def person(double: Double, root: gitlab.Gitlab) -> Person:
    """Somebody who belongs to nothing yet."""
    return make_person(double, root)


@pytest.fixture
def signed_in(double: Double, person: Person) -> Iterator[Visitor]:
    """The browser of that person."""
    made = Visitor(double.url)
    made.sign_in(person.token)
    yield made
    made.session.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that remembers what it was sent; `answers` are its next status codes, then 200."""
    taken: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = answers.pop(0) if answers else 200
            taken.put((dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", taken, answers)
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """An empty repository on branch `main`."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    made = Git(directory)
    made("init", "--quiet", "--initial-branch", "main")
    return made


@pytest.fixture
def clone(tmp_path: Path, double: Double, project: Project) -> Git:
    """A clone of the project with the bot's token."""
    directory = tmp_path / "clone"
    Git(tmp_path)("clone", "--quiet", double.remote(project.path_with_namespace, double.bot_token), str(directory))
    return Git(directory)
