"""The bodies of web hooks about pipelines, jobs and deployments, in GitLab's form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pygit2

from testbed.gitlab.repositories.commits import moment
from testbed.gitlab.store import Deployment, Job, MergeRequest, Pipeline, Project
from testbed.gitlab.webhooks.issuable_payloads import user_payload
from testbed.gitlab.webhooks.payloads import project_payload

__all__ = ["deployment_payload", "job_payload", "pipeline_payload"]


def pipeline_payload(pipeline: Pipeline, repository: pygit2.Repository, external_url: str) -> dict[str, Any]:
    """The payload of ``pipeline_events``."""
    project = project_payload(pipeline.project, external_url)
    jobs = [job for job in pipeline.jobs if not job.retried]
    stages = {job.stage: None for job in sorted(jobs, key=lambda job: (job.stage_index, job.id))}
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": pipeline.id,
            "iid": pipeline.iid,
            "name": pipeline.name,
            "ref": pipeline.ref,
            "tag": pipeline.tag,
            "sha": pipeline.sha,
            "before_sha": pipeline.before_sha,
            "source": pipeline.source,
            "status": pipeline.status,
            "detailed_status": _detailed(pipeline, jobs),
            "stages": list(stages),
            "created_at": _time(pipeline.created_at),
            "finished_at": _time(pipeline.finished_at),
            "duration": _seconds(pipeline.started_at, pipeline.finished_at, whole=True),
            "queued_duration": _seconds(pipeline.created_at, pipeline.started_at, whole=True),
            "protected_ref": pipeline.protected,
            "variables": [{"key": key, "value": facts["value"]} for key, facts in pipeline.variables.items()],
            "url": f"{project['web_url']}/-/pipelines/{pipeline.id}",
        },
        "merge_request": _merge_request(pipeline.merge_request, external_url),
        "user": user_payload(pipeline.user),
        "project": project,
        "commit": _commit(repository, pipeline.sha, project["web_url"]),
        "builds": [_build(job) for job in jobs if job.kind != "external"],
    }


def job_payload(job: Job, repository: pygit2.Repository, external_url: str) -> dict[str, Any]:
    """The payload of ``job_events``."""
    pipeline = job.pipeline
    project = project_payload(job.project, external_url)
    commit = _commit(repository, pipeline.sha, project["web_url"]) or {}
    return {
        "object_kind": "build",
        "ref": pipeline.ref,
        "tag": pipeline.tag,
        "before_sha": pipeline.before_sha,
        "sha": pipeline.sha,
        "build_id": job.id,
        "build_name": job.name,
        "build_stage": job.stage,
        "build_status": job.status,
        "build_created_at": _time(job.created_at),
        "build_started_at": _time(job.started_at),
        "build_finished_at": _time(job.finished_at),
        "build_duration": _seconds(job.started_at, job.finished_at),
        "build_queued_duration": _seconds(job.queued_at, job.started_at),
        "build_allow_failure": job.allow_failure,
        "build_failure_reason": job.failure_reason or "unknown_failure",
        "pipeline_id": pipeline.id,
        "project_id": job.project_id,
        "project_name": f"{job.project.namespace.full_name} / {job.project.name}",
        "runner": _runner(job),
        "user": user_payload(job.user),
        "commit": {
            "id": pipeline.id,
            "name": pipeline.name,
            "sha": pipeline.sha,
            "message": commit.get("message"),
            "author_name": commit.get("author", {}).get("name"),
            "author_email": commit.get("author", {}).get("email"),
            "author_url": None,
            "status": pipeline.status,
            "duration": _seconds(pipeline.started_at, pipeline.finished_at, whole=True),
            "started_at": _time(pipeline.started_at),
            "finished_at": _time(pipeline.finished_at),
        },
        "project": project,
        "environment": _environment(job),
    }


def deployment_payload(
    project: Project, deployment: Deployment, job: Job | None, repository: pygit2.Repository, external_url: str
) -> dict[str, Any]:
    """The payload of ``deployment_events``."""
    about = project_payload(project, external_url)
    commit = _commit(repository, deployment.sha, about["web_url"])
    return {
        "object_kind": "deployment",
        "status": deployment.status,
        "status_changed_at": _time(deployment.updated_at),
        "deployment_id": deployment.id,
        "deployable_id": job.id if job else None,
        "deployable_url": f"{about['web_url']}/-/jobs/{job.id}" if job else None,
        "environment": deployment.environment.name,
        "environment_tier": deployment.environment.tier,
        "environment_slug": deployment.environment.slug,
        "environment_external_url": deployment.environment.external_url,
        "project": about,
        "ref": deployment.ref,
        "short_sha": deployment.sha[:8],
        "user": user_payload(deployment.user),
        "user_url": f"{external_url}/{deployment.user.username}" if deployment.user else None,
        "commit_url": commit["url"] if commit else None,
        "commit_title": commit["title"] if commit else None,
    }


def _detailed(pipeline: Pipeline, jobs: list[Job]) -> str:
    if pipeline.status != "success":
        return {"manual": "blocked"}.get(pipeline.status, pipeline.status)
    warned = any(job.allow_failure and job.status in ("failed", "canceled") for job in jobs)
    return "passed with warnings" if warned else "passed"


def _build(job: Job) -> dict[str, Any]:
    archive = next((each for each in job.artifacts if each.file_type == "archive"), None)
    return {
        "id": job.id,
        "stage": job.stage,
        "name": job.name,
        "status": job.status,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "duration": _seconds(job.started_at, job.finished_at),
        "queued_duration": _seconds(job.queued_at, job.started_at),
        "failure_reason": job.failure_reason,
        "when": job.when,
        "manual": job.when == "manual",
        "allow_failure": job.allow_failure,
        "user": user_payload(job.user),
        "runner": _runner(job),
        "artifacts_file": {
            "filename": archive.filename if archive else None,
            "size": archive.size if archive else None,
        },
        "environment": _environment(job),
    }


def _environment(job: Job) -> dict[str, Any] | None:
    if job.environment is None:
        return None
    wanted = job.options.get("environment", {})
    return {
        "name": job.environment.name,
        "action": wanted.get("action", "start"),
        "deployment_tier": job.environment.tier,
    }


def _runner(job: Job) -> dict[str, Any] | None:
    runner = job.runner
    if runner is None:
        return None
    return {
        "id": runner.id,
        "description": runner.description,
        "runner_type": runner.runner_type,
        "active": not runner.paused,
        "is_shared": runner.runner_type == "instance_type",
        "tags": runner.tag_list,
    }


def _merge_request(request: MergeRequest | None, external_url: str) -> dict[str, Any] | None:
    if request is None:
        return None
    return {
        "id": request.id,
        "iid": request.iid,
        "title": request.title,
        "source_branch": request.source_branch,
        "source_project_id": request.source_project_id,
        "target_branch": request.target_branch,
        "target_project_id": request.project_id,
        "state": request.state,
        "url": f"{external_url}/{request.project.full_path}/-/merge_requests/{request.iid}",
    }


def _commit(repository: pygit2.Repository, sha: str, web_url: str) -> dict[str, Any] | None:
    found = repository.get(sha)
    if not isinstance(found, pygit2.Commit):
        return None
    return {
        "id": sha,
        "message": found.message,
        "title": found.message.partition("\n")[0],
        "timestamp": moment(found.author),
        "url": f"{web_url}/-/commit/{sha}",
        "author": {"name": found.author.name, "email": "[REDACTED]"},
    }


def _time(value: datetime | None) -> str | None:
    """As these payloads write times, unlike the REST API."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else None


def _seconds(start: datetime | None, end: datetime | None, *, whole: bool = False) -> float | None:
    if start is None or end is None:
        return None
    passed = (end - start).total_seconds()
    return int(passed) if whole else passed
