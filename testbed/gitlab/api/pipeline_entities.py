"""How pipelines and jobs look in answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pygit2
from sqlalchemy import select

from testbed.gitlab.api.entities import runner_basic, user_basic, web_url
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.access import reads_code
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import forbidden, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.repositories.commits import commit_entity, moment
from testbed.gitlab.store import Job, Pipeline, Project, RunnerManager

__all__ = [
    "bridge_entity",
    "coverage_text",
    "find_job",
    "find_pipeline",
    "job_entity",
    "pipeline_detail",
    "readable_project",
]

_ICONS = {"success-with-warnings": "warning"}
_LABELS = {"success-with-warnings": "passed with warnings", "success": "passed", "manual": "waiting for manual action"}


def readable_project(call: Call) -> Project:
    """The project in the path, when the actor may see its pipelines.

    Members see them from Guest on where ``public_jobs`` is set, else from Reporter on; others in open projects.
    """
    project = call.project()
    least = Level.GUEST if setting(project, "public_jobs") else Level.REPORTER
    if call.level(project) >= least:
        return project
    if not setting(project, "public_jobs") or not reads_code(call.session, call.actor, project):
        raise forbidden()
    return project


def find_pipeline(call: Call, project: Project) -> Pipeline:
    """The pipeline in the path."""
    found = call.session.get(Pipeline, call.number("pipeline_id", "Pipeline"))
    if found is None or found.project_id != project.id:
        raise not_found("Pipeline")
    return found


def find_job(call: Call, project: Project) -> Job:
    """The job in the path."""
    found = call.session.get(Job, call.number("job_id", "Job"))
    if found is None or found.project_id != project.id or found.kind == "external":
        raise not_found("Job")
    return found


def pipeline_detail(call: Call, pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline."""
    commit = call.forge.storage.open(pipeline.project_id).get(pipeline.sha)
    jobs = [job for job in pipeline.jobs if not job.retried]
    return {
        **pipeline_summary(pipeline, call.forge),
        "name": pipeline.name,
        "before_sha": pipeline.before_sha,
        "tag": pipeline.tag,
        "yaml_errors": pipeline.yaml_errors,
        "user": user_basic(pipeline.user, call.forge),
        "started_at": pipeline.started_at,
        "finished_at": pipeline.finished_at,
        "committed_at": moment(commit.committer) if isinstance(commit, pygit2.Commit) else None,
        "duration": _seconds(pipeline.started_at, pipeline.finished_at, whole=True),
        "queued_duration": _seconds(pipeline.created_at, pipeline.started_at, whole=True),
        "coverage": coverage_text(jobs),
        "detailed_status": _detailed(pipeline, jobs),
        "archived": False,
    }


def coverage_text(jobs: list[Job]) -> str | None:
    """The mean coverage of jobs, as text with two digits."""
    found = [job.coverage for job in jobs if job.coverage is not None]
    return f"{sum(found) / len(found):.2f}" if found else None


def job_entity(call: Call, job: Job) -> dict[str, Any]:
    """A job."""
    project, pipeline = job.project, job.pipeline
    page = web_url(project, call.forge)
    commit = call.forge.storage.open(job.project_id).get(pipeline.sha)
    archive = next((each for each in job.artifacts if each.file_type == "archive"), None)
    entity = {
        "id": job.id,
        "status": job.status,
        "stage": job.stage,
        "name": job.name,
        "ref": pipeline.ref,
        "tag": pipeline.tag,
        "coverage": job.coverage,
        "allow_failure": job.allow_failure,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "erased_at": job.erased_at,
        "duration": _seconds(job.started_at, job.finished_at or now()),
        "queued_duration": _seconds(job.queued_at, job.started_at or now()),
        "user": user_basic(job.user, call.forge),
        "commit": commit_entity(commit, page) if isinstance(commit, pygit2.Commit) else None,
        "pipeline": pipeline_summary(pipeline, call.forge),
        "web_url": f"{page}/-/jobs/{job.id}",
        "project": {"ci_job_token_scope_enabled": bool(setting(project, "ci_job_token_scope_enabled"))},
        "artifacts": [
            {
                "file_type": each.file_type,
                "size": each.size,
                "filename": each.filename,
                "file_format": each.file_format,
            }
            for each in job.artifacts
        ],
        "runner": _runner(job),
        "runner_manager": _manager(call, job),
        "artifacts_expire_at": archive.expire_at if archive else None,
        "archived": False,
        "tag_list": job.tag_list,
    }
    if archive is not None:
        entity["artifacts_file"] = {"filename": archive.filename, "size": archive.size}
    if job.failure_reason is not None:
        entity["failure_reason"] = job.failure_reason
    return entity


def bridge_entity(call: Call, bridge: Job) -> dict[str, Any]:
    """A job that starts a pipeline."""
    entity = job_entity(call, bridge)
    for name in ("artifacts", "runner", "runner_manager", "artifacts_expire_at", "tag_list"):
        del entity[name]
    below = bridge.downstream
    return {**entity, "downstream_pipeline": pipeline_summary(below, call.forge) if below is not None else None}


def _runner(job: Job) -> dict[str, Any] | None:
    return None if job.runner is None else {**runner_basic(job.runner), "online": True, "status": "online"}


def _manager(call: Call, job: Job) -> dict[str, Any] | None:
    same = select(RunnerManager).where(
        RunnerManager.runner_id == job.runner_id, RunnerManager.system_id == job.runner_system_id
    )
    manager = call.session.scalar(same) if job.runner_id is not None else None
    if manager is None:
        return None
    known = {name: manager.info.get(name) for name in ("version", "revision", "platform", "architecture")}
    return {
        "id": manager.id,
        "system_id": manager.system_id,
        **known,
        "created_at": manager.created_at,
        "contacted_at": manager.contacted_at,
        "ip_address": None,
        "status": "online",
    }


def _detailed(pipeline: Pipeline, jobs: list[Job]) -> dict[str, Any]:
    warned = any(job.allow_failure and job.status in ("failed", "canceled") for job in jobs)
    group = "success-with-warnings" if pipeline.status == "success" and warned else pipeline.status.replace("_", "-")
    label = _LABELS.get(group, pipeline.status)
    return {
        "icon": f"status_{_ICONS.get(group, group)}",
        "text": {"success": "Passed", "success-with-warnings": "Warning"}.get(group, pipeline.status.capitalize()),
        "label": label,
        "group": group,
        "tooltip": label,
        "has_details": True,
        "details_path": f"/{pipeline.project.full_path}/-/pipelines/{pipeline.id}",
        "illustration": None,
        "favicon": None,
    }


def _seconds(start: datetime | None, end: datetime | None, *, whole: bool = False) -> float | None:
    if start is None or end is None:
        return None
    passed = (end - start).total_seconds()
    return int(passed) if whole else passed
