"""A double, and the embedded runner beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from testbed.gitlab import store
from testbed.gitlab.pipelines.files import trace_file
from testbed.runner.protocol import Client
from testbed.runner.service import Service
from testbed.runner.work import Place
from testbed.runner.workspace import check_builds
from tests.contract.gitlab.runner_support import add_jobs
from tests.contract.gitlab.support import Double, eventually, fresh, running_double

__all__ = ["Bench", "running"]

ENDED = ("success", "failed", "canceled")


@dataclass
class Bench:
    """A project, and a runner that takes its jobs."""

    double: Double
    project: Project
    service: Service

    @property
    def builds(self) -> Path:
        """Where the runner's jobs work."""
        return self.service.place.builds

    def add(self, **facts: Any) -> int:
        """Add one job; `script` and the like are its options."""
        names = ("name", "stage", "stage_index", "needs")
        columns = {name: facts.pop(name) for name in names if name in facts}
        (number,) = add_jobs(self.double, self.project, {**columns, "options": facts})
        return number

    def facts(self, number: int) -> tuple[str, str | None, int | None]:
        """Status, failure reason and exit code."""
        with self.double.forge.database.read() as session:
            job = session.get_one(store.Job, number)
            return job.status, job.failure_reason, job.exit_code

    def ended(self, number: int) -> tuple[str, str | None, int | None]:
        """The same, once the job has ended."""
        found: tuple[str, str | None, int | None] = eventually(
            lambda: facts if (facts := self.facts(number))[0] in ENDED else None
        )
        return found

    def log(self, number: int) -> str:
        """The log that GitLab has."""
        with self.double.forge.database.read() as session:
            file = trace_file(self.double.forge.settings, session.get_one(store.Job, number))
        return file.read_text() if file.is_file() else ""

    def run(self, *script: str, **facts: Any) -> tuple[str, str]:
        """Run a job to its end: status and log."""
        number = self.add(script=list(script), **facts)
        return self.ended(number)[0], self.log(number)


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """One double for all tests."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture(scope="session")
def bot(double: Double) -> gitlab.Gitlab:
    """The client of an ordinary user."""
    return double.client(double.bot_token)


@pytest.fixture(scope="session")
def group(bot: gitlab.Gitlab) -> Group:
    """A group whose runner is the one that is tested."""
    made = bot.groups.create({"name": "work", "path": "work"})
    assert isinstance(made, Group)
    return made


@pytest.fixture(scope="session")
def service(
    double: Double, bot: gitlab.Gitlab, group: Group, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running runner with two slots."""
    with running(double, bot, tmp_path_factory.mktemp("state"), group_id=group.id, runner_type="group_type") as found:
        yield found


@contextmanager
def running(double: Double, client: gitlab.Gitlab, state: Path, **facts: Any) -> Iterator[Service]:
    """Start a runner, and end it afterwards."""
    made = client.http_post("/user/runners", post_data=facts)
    assert isinstance(made, dict)
    # Other users must be able to pass through, which they are not through pytest's own directories.
    outside = Path(tempfile.mkdtemp(prefix="runner-"))
    outside.chmod(0o711)
    check_builds(outside / "builds")
    protocol = Client(double.url, made["token"], "s_test", containers=False)
    environment = {"PATH": os.environ["PATH"]}
    place = Place(client=protocol, name="bench", builds=outside / "builds", state=state, environment=environment)
    service = Service(place, concurrency=2, interval=0.1, patience=0.5)
    thread = threading.Thread(target=service.run)
    thread.start()
    yield service
    service.stop()
    thread.join(20)
    protocol.close()
    shutil.rmtree(outside)


@pytest.fixture
def project(bot: gitlab.Gitlab, group: Group) -> Project:
    """A project with a README."""
    made = bot.projects.create({"name": fresh("work"), "namespace_id": group.id, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


@pytest.fixture
def bench(double: Double, project: Project, service: Service) -> Bench:
    """A project of its own, and the runner."""
    return Bench(double, project, service)
