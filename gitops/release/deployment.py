"""The record of a release in GitLab. Where the command runs in a job that deploys, GitLab keeps it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gitlab
import requests
from gitlab.v4.objects import Project, ProjectDeployment
from rich.console import Console

from gitops.release.outcome import Outcome

__all__ = ["Record", "recorded"]

_STATUS = {Outcome.RELEASED: "success", Outcome.OUTDATED: "canceled"}


class Record:
    """A deployment in the making."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        """To be set when it is known; without one the deployment failed."""


@contextmanager
def recorded(project: Project, environment: str, commit: str, console: Console, *, by_job: bool) -> Iterator[Record]:
    """Record what happens inside as a deployment to the environment.

    That GitLab cannot be told keeps no environment from being mended, so it is said and not more.

    Args:
        project: the platform repository's.
        environment: the environment, which has the name of its branch.
        commit: what is deployed.
        console: where it is said.
        by_job: whether the job that runs this records it anyway.
    """
    record = Record()
    deployment = None if by_job else _begin(project, environment, commit, console)
    try:
        yield record
    finally:
        if deployment is not None:
            deployment.status = _STATUS.get(record.outcome, "failed") if record.outcome is not None else "failed"
            try:
                deployment.save()
            except (gitlab.GitlabError, requests.RequestException) as error:
                console.print(f"the deployment's end could not be recorded: {error}", markup=False, soft_wrap=True)


def _begin(project: Project, environment: str, commit: str, console: Console) -> ProjectDeployment | None:
    asked = {"environment": environment, "sha": commit, "ref": environment, "tag": False, "status": "running"}
    try:
        return project.deployments.create(asked)
    except (gitlab.GitlabError, requests.RequestException) as error:
        console.print(f"the deployment could not be recorded: {error}", markup=False, soft_wrap=True)
        return None
