"""What GitLab and Argo CD know about a commit in its environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

import httpx2
from gitlab.v4.objects import Project
from lightkube import Client
from lightkube.core.exceptions import ApiError

from gitops.cluster import APPLICATION, reason
from gitops.errors import CommandError

__all__ = ["Delivery", "Evidence", "Run", "deliveries", "gather"]

_LOOKED_AT: Final = 100
"""Of deployments and merge requests, the latest first."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Something that ran for the commit: a preview, a pipeline, a job or a deployment."""

    name: str
    status: str
    """GitLab's word, such as ``success``."""
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What Argo CD says about one application."""

    application: str
    revision: str
    """The commit that it compared the cluster with last."""
    sync: str
    health: str

    def is_at(self, commit: str) -> bool:
        """Whether the commit runs, and well."""
        return (self.revision, self.sync, self.health) == (commit, "Synced", "Healthy")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about a commit of an environment's branch."""

    commit: str
    previews: tuple[Run, ...]
    """Commit statuses ``pulumi/<stack>``, of the commit or of the merge request that brought it."""
    pipelines: tuple[Run, ...]
    """The latest first."""
    jobs: tuple[Run, ...]
    """Of the latest pipeline; the detail is the stage."""
    deployment: Run | None
    """The successful deployment of exactly this commit."""
    last_deployed: str | None
    """The commit of the last successful deployment to the environment."""


def gather(project: Project, environment: str, commit: str) -> Evidence:
    """Ask GitLab about a commit.

    Args:
        project: the repository's project.
        environment: the environment, which has the name of its branch.
        commit: the head of that branch.

    Raises:
        gitlab.GitlabError: when GitLab refuses.
    """
    pipelines = list(cast(Iterable[Any], project.pipelines.list(iterator=True, sha=commit, order_by="id", sort="desc")))
    jobs = pipelines[0].jobs.list(iterator=True) if pipelines else ()
    deployments = _latest(
        project.deployments.list(iterator=True, environment=environment, status="success", order_by="id", sort="desc")
    )
    deployment = next((each for each in deployments if each.sha == commit), None)
    return Evidence(
        commit=commit,
        previews=tuple(_previews(project, environment, commit)),
        pipelines=tuple(
            Run(name=f"#{each.id}", status=each.status, url=each.web_url, detail=each.source) for each in pipelines
        ),
        jobs=tuple(Run(name=each.name, status=each.status, url=each.web_url, detail=each.stage) for each in jobs),
        deployment=None
        if deployment is None
        else Run(name=f"deployment {deployment.iid} to {environment}", status="success", url=_job_url(deployment)),
        last_deployed=deployments[0].sha if deployments else None,
    )


def deliveries(client: Client, repository_url: str, branch: str) -> list[Delivery]:
    """Ask Argo CD about the applications that follow a branch.

    Args:
        client: the cluster's.
        repository_url: the repository as GitLab names it for HTTP.
        branch: the branch.

    Raises:
        CommandError: when the cluster does not answer.
    """
    try:
        listed = [dict(each) for each in client.list(APPLICATION, namespace="*")]
    except (ApiError, httpx2.HTTPError) as error:
        raise CommandError(
            f"Argo CD's applications cannot be listed: {reason(error)}", "Look whether KUBECONFIG is right."
        ) from None
    found = []
    for application in listed:
        source = application.get("spec", {}).get("source") or {}
        status = application.get("status") or {}
        same = str(source.get("repoURL", "")).removesuffix(".git") == repository_url.removesuffix(".git")
        if same and source.get("targetRevision") == branch:
            sync = status.get("sync") or {}
            found.append(
                Delivery(
                    application=str(application["metadata"]["name"]),
                    revision=str(sync.get("revision", "")),
                    sync=str(sync.get("status", "Unknown")),
                    health=str((status.get("health") or {}).get("status", "Unknown")),
                )
            )
    return sorted(found, key=lambda each: each.application)


def _previews(project: Project, environment: str, commit: str) -> Iterable[Run]:
    """Statuses are set on the merge request's head, which a merge commit or a squash replaces on the branch."""
    merged = _latest(
        project.mergerequests.list(
            iterator=True, state="merged", target_branch=environment, order_by="updated_at", sort="desc"
        )
    )
    heads = [each.sha for each in merged if commit in (each.sha, each.merge_commit_sha, each.squash_commit_sha)]
    for sha in dict.fromkeys([commit, *heads]):
        statuses = project.commits.get(sha, lazy=True).statuses.list(iterator=True)
        # A status that was set again is listed once for each pipeline, the latest last.
        found = {each.name: each for each in cast(Iterable[Any], statuses) if each.name.startswith("pulumi/")}
        if found:
            return [
                Run(name=each.name, status=each.status, url=each.target_url or "", detail=each.description or "")
                for _, each in sorted(found.items())
            ]
    return ()


def _latest(listed: Any) -> list[Any]:
    return list(islice(listed, _LOOKED_AT))


def _job_url(deployment: Any) -> str:
    job = deployment.attributes.get("deployable") or {}
    return str(job.get("web_url") or "")
