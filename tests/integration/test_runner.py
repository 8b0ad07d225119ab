"""The testbed's runner takes jobs: on the machine, and in a container on the real node."""

from __future__ import annotations

import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab.v4.objects import Project

from testbed.context import Context
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.integration

LIMIT = 120
"""Seconds for a pipeline of one short job."""

SHELL = """
job:
  tags: [shell]
  script:
    - id -u
    - mkdir out && echo made > out/file
    - 'curl --silent --fail --header "JOB-TOKEN: $CI_JOB_TOKEN" "$CI_API_V4_URL/job"'
  artifacts:
    paths: [out/]
"""

CONTAINER = """
job:
  image: jobs/shell:1
  script:
    - echo "in a container"
    # The image has a shell and nothing else.
    - echo made > file
  artifacts:
    paths: [file]
"""


def push_shell_image(context: Context, directory: Path) -> None:
    """Push an image that has nothing but this machine's sh."""
    shell = Path("/bin/sh").resolve()
    libraries = subprocess.run(["ldd", str(shell)], capture_output=True, text=True, check=True).stdout
    layer, reference = directory / "layer.tar", f"127.0.0.1:{context.ports['registry']}/jobs/shell:1"
    with tarfile.open(layer, "w", dereference=True) as archive:
        archive.add(shell, "bin/sh")
        for library in re.findall(r"/\S+", libraries):
            archive.add(library, library.lstrip("/"))
    crane = str(context.tools.path("crane"))
    for arguments in (
        ["append", "--insecure", "--new_layer", str(layer), "--new_tag", reference],
        ["mutate", "--insecure", "--set-platform", "linux/amd64", "--tag", reference, reference],
    ):
        subprocess.run([crane, *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def project(testbed: OwnTestbed) -> Iterator[Project]:
    """A project of the bot's own."""
    with testbed.forge() as client:
        made = client.projects.create({"name": f"jobs-{time.monotonic_ns()}", "initialize_with_readme": True})
        assert isinstance(made, Project)
        yield made
        made.delete()


def outcome(project: Project, configuration: str) -> tuple[str, str | None, str]:
    """Push a configuration: status, failure reason and log of its one job."""
    file = {"action": "create", "file_path": ".gitlab-ci.yml", "content": configuration}
    project.commits.create({"branch": "main", "commit_message": "Run", "actions": [file]})
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        for job in project.jobs.list(get_all=True):
            if job.status in ("success", "failed", "canceled"):
                found = project.jobs.get(job.id)
                return found.status, found.attributes.get("failure_reason"), found.trace().decode()
        time.sleep(0.5)
    raise AssertionError(
        f"no job ended within {LIMIT} s: {[each.asdict() for each in project.jobs.list(get_all=True)]}"
    )


def test_a_shell_job_runs_on_the_machine_without_its_rights(project: Project) -> None:
    status, _, log = outcome(project, SHELL)
    assert status == "success", log
    assert '"status":"running"' in log, "the job reached the API with its token"
    (job,) = project.jobs.list(get_all=True)
    assert project.jobs.get(job.id).artifact("out/file") == b"made\n"


def test_a_job_with_an_image_runs_on_the_real_node(testbed: OwnTestbed, project: Project, tmp_path: Path) -> None:
    context = testbed.context
    if not context.real_node:
        status, reason, log = outcome(project, CONTAINER)
        assert (status, reason) == ("failed", "runner_unsupported"), log
        return
    push_shell_image(context, tmp_path)
    status, _, log = outcome(project, CONTAINER)
    assert status == "success", log
    assert "\nin a container\n" in log
    (job,) = project.jobs.list(get_all=True)
    assert project.jobs.get(job.id).artifact("file") == b"made\n"
