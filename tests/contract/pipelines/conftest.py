"""A GitLab double with an environment repository, and a runner's way to run one script of the template."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import Double, fresh, running_double


@dataclass
class Shell:
    """Runs scripts as a runner does: by a POSIX shell, with the job's variables and nothing of ours."""

    directory: Path

    def __call__(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one; the output and the error output are in ``stdout``."""
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.directory,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.directory),
                "CI_PROJECT_DIR": str(self.directory),
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty job directory."""
    directory = tmp_path / "build"
    directory.mkdir()
    return Shell(directory)


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """A GitLab double."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture(scope="module")
def bot(double: Double) -> gitlab.Gitlab:
    """The client of the platform's bot."""
    return double.client(double.bot_token)


@pytest.fixture
def environments(bot: gitlab.Gitlab) -> Project:
    """An environment repository with the application ``greeter`` on branches dev, preview and prod."""
    name = fresh("group")
    group = bot.groups.create({"name": name, "path": name})
    made = bot.projects.create({"name": "environments", "namespace_id": group.id, "default_branch": "prod"})
    assert isinstance(made, Project)
    files = {
        f"applications/{application}/overlays/{branch}/kustomization.yaml": "resources:\n  - ../../base\n"
        for application in ("greeter", "porter")
        for branch in ("dev", "preview", "prod")
    }
    actions = [{"action": "create", "file_path": path, "content": content} for path, content in files.items()]
    made.commits.create({"branch": "prod", "commit_message": "Seed", "actions": actions})
    for branch in ("dev", "preview"):
        made.branches.create({"branch": branch, "ref": "prod"})
    return made
