"""A checkout with stack files and a fake engine, and a GitLab double."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from gitops.pulumi import engine as runs
from tests.contract.gitlab.support import Double, fresh, running_double
from tests.contract.gitops.fake_engine import FakeEngine


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """A `pulumi` on PATH that says what it is told."""
    made = FakeEngine.into(tmp_path / "engine")
    # It answers at once, other than a real one.
    monkeypatch.setattr(runs, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setenv("PATH", os.pathsep.join([str(made.directory), os.environ["PATH"]]))
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the files of three stacks; `prod` owns the forge."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    for stack in ("dev", "preview", "prod"):
        owner = "    owner: true\n" if stack == "prod" else "    owner: false\n"
        (directory / f"Pulumi.{stack}.yaml").write_text(f"config:\n  bighpc:forge:\n{owner}")
    return directory


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """One GitLab for all tests; each makes groups and projects of its own in it."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture(scope="session")
def bot(double: Double) -> gitlab.Gitlab:
    """The client of the platform's bot."""
    return double.client(double.bot_token)


@pytest.fixture
def connected(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the double, as the bot."""
    monkeypatch.setenv("GITLAB_BASE_URL", f"{double.url}/api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", double.bot_token)


@pytest.fixture
def group(bot: gitlab.Gitlab) -> Group:
    """A private group that the bot owns."""
    name = fresh("group")
    return bot.groups.create({"name": name, "path": name})


@pytest.fixture
def project(bot: gitlab.Gitlab, group: Group) -> Project:
    """A project with a README on its default branch `dev`."""
    asked = {
        "name": fresh("project"),
        "namespace_id": group.id,
        "initialize_with_readme": True,
        "default_branch": "dev",
    }
    return bot.projects.create(asked)
