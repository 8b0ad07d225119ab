"""A project that uses the pipeline template, compiled and run by gitlab-ci-local on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from testbed import toolchain

__all__ = ["SAMPLE", "TEMPLATE", "TemplateProject", "create", "program"]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests/data/sample-project"
TEMPLATE = ROOT / "pipelines/default"

_LIMIT = 540  # seconds
_PUBLISHED = ".gitlab-ci-local/includes/gitlab.example.com/bighpc/ci-cd/pipeline-templates/default/main"

# GitLab takes an empty list of tags, and its current schema says so; that of this version of the program is older.
_OPTIONS = ("--ignore-schema-paths", "#/definitions/tags/minItems", "--force-shell-executor", "--shell-isolation")


def program(name: str) -> Path:
    """A tool of the testbed, or one from PATH where the testbed's are not prepared."""
    tools = toolchain.installed()
    if tools is not None and name in tools.versions:
        return tools.path(name)
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not there: run bighpc testbed prepare")
    return Path(found)


@dataclass(frozen=True)
class TemplateProject:
    """One checkout, in which the template is already fetched."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)
    """CI/CD variables of every run."""

    def git(self, *arguments: str) -> str:
        """Run git as nobody in particular."""
        identity = {
            f"GIT_{role}_{key}": "dev@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **identity},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def commit(self, files: Mapping[str, str]) -> str:
        """Write files and commit them; the commit's name."""
        for name, text in files.items():
            (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")
        return self.git("rev-parse", "HEAD").strip()

    def run(self, *arguments: str, path: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run gitlab-ci-local; a variable that is ``-`` is unset."""
        given = {**self.variables, **variables}
        options = [f"--variable={key}={value}" for key, value in given.items() if value != "-"]
        options += [f"--unset-variable={key}" for key, value in given.items() if value == "-"]
        return subprocess.run(
            [program("gitlab-ci-local"), *_OPTIONS, *options, *arguments],
            cwd=self.directory,
            env={"HOME": str(self.directory.parent), "PATH": path or os.environ["PATH"], **_index()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT,
        )

    def jobs(self, **variables: str) -> list[str]:
        """The jobs that a pipeline would have."""
        done = self.run("--list-csv", **variables)
        assert done.returncode == 0, done.stdout
        return [line.split(";")[0] for line in done.stdout.split("\nname;")[-1].splitlines()[1:] if ";" in line]

    def expanded(self, configuration: str) -> str:
        """What a configuration becomes: everything included, extended and filled in."""
        (self.directory / ".gitlab-ci.yml").write_text(configuration)
        done = self.run("--preview")
        assert done.returncode == 0, done.stdout
        return (self.directory / ".gitlab-ci-local/expanded-gitlab-ci.yml").read_text()

    def artifact(self, job: str, name: str) -> Path:
        """A file that a job left."""
        return self.directory / ".gitlab-ci-local/artifacts" / job / name


def create(directory: Path, **variables: str) -> TemplateProject:
    """The sample project as ``bighpc/greeter`` on branch ``main``, with the template fetched as GitLab would."""
    checkout = directory / "greeter"
    shutil.copytree(SAMPLE, checkout)
    shutil.copytree(TEMPLATE, checkout / _PUBLISHED)
    made = TemplateProject(checkout, variables)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("remote", "add", "origin", "https://gitlab.example.com/bighpc/greeter.git")
    (checkout / ".git/info/exclude").write_text(".gitlab-ci-local\n")
    made.commit({})
    return made


def configuration(*includes: Mapping[str, object], **jobs: object) -> str:
    """The text of a ``.gitlab-ci.yml``: the component included once per mapping of inputs, and jobs."""
    component = "$CI_SERVER_FQDN/bighpc/ci-cd/pipeline-templates/default/default@main"
    return yaml.safe_dump({"include": [{"component": component, "inputs": dict(each)} for each in includes], **jobs})


def _index() -> dict[str, str]:
    """How pip finds its index: settings of whoever runs the tests."""
    return {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "REQUESTS_"))}
