"""The variables that GitLab itself gives to every pipeline and job (``CI_...`` and ``GITLAB_...``)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pygit2
from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import timestamp
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import configuration_path, setting
from testbed.gitlab.repositories.commits import moment
from testbed.gitlab.repositories.policy import is_protected
from testbed.gitlab.repositories.rules import BRANCHES
from testbed.gitlab.settings import REVISION, VERSION
from testbed.gitlab.store import Job, MergeRequest, Pipeline, Project, RunnerManager, Schedule

__all__ = ["of_job", "of_pipeline", "of_token", "slug"]

MOST_OPEN_REQUESTS = 4
"""As many merge requests are named in ``CI_OPEN_MERGE_REQUESTS``."""


def slug(text: str) -> str:
    """Lower case, 63 characters at most, everything but letters and digits a hyphen, none at the ends."""
    return re.sub(r"[^a-z0-9]", "-", text.lower())[:63].strip("-")


def of_pipeline(forge: Forge, session: Session, pipeline: Pipeline) -> dict[str, str]:
    """What is the same for all jobs; a pipeline that is not stored yet has no number."""
    return {
        **_server(forge),
        **_project(forge, pipeline.project),
        **_commit(forge, pipeline),
        **_pipeline(forge, session, pipeline),
        **_merge_request(forge, session, pipeline),
        **_user(pipeline),
    }


def of_job(forge: Forge, session: Session, job: Job) -> dict[str, str]:
    """What differs from job to job."""
    found = {
        "CI_JOB_NAME": job.name,
        "CI_JOB_NAME_SLUG": slug(job.name),
        "CI_JOB_STAGE": job.stage,
        "CI_JOB_GROUP_NAME": re.sub(r"(: \[.*\]| \d+/\d+)$", "", job.name),
        "CI_NODE_TOTAL": str(job.options.get("node", {}).get("total", 1)),
        "CI_JOB_TIMEOUT": str(job.options.get("timeout_s") or setting(job.pipeline.project, "build_timeout")),
    }
    if "index" in job.options.get("node", {}):
        found["CI_NODE_INDEX"] = str(job.options["node"]["index"])
    if job.when == "manual":
        found["CI_JOB_MANUAL"] = "true"
    image = job.options.get("image")
    if image:
        found["CI_JOB_IMAGE"] = image["name"] if isinstance(image, dict) else str(image)
    if job.id is not None:
        found["CI_JOB_ID"] = str(job.id)
        found["CI_JOB_URL"] = forge.url(job.project.full_path, "-/jobs", str(job.id))
    if job.started_at is not None:
        found["CI_JOB_STARTED_AT"] = timestamp(job.started_at)
    return found | _environment(job) | _runner(session, job)


def of_token(forge: Forge, project: Project, token: str) -> dict[str, str]:
    """What holds the job token; secret, all of it but the names of users."""
    parts = urlsplit(forge.settings.external_url)
    return {
        "CI_JOB_TOKEN": token,
        "CI_REGISTRY_PASSWORD": token,
        "CI_DEPENDENCY_PROXY_PASSWORD": token,
        "CI_REPOSITORY_URL": f"{parts.scheme}://gitlab-ci-token:{token}@{parts.netloc}/{project.full_path}.git",
    }


def _server(forge: Forge) -> dict[str, str]:
    parts = urlsplit(forge.settings.external_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    major, minor, patch = VERSION.partition("-")[0].split(".")
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": forge.settings.external_url,
        "CI_SERVER_HOST": parts.hostname or "",
        "CI_SERVER_PORT": str(port),
        "CI_SERVER_PROTOCOL": parts.scheme,
        "CI_SERVER_FQDN": parts.netloc,
        "CI_SERVER_VERSION": VERSION,
        "CI_SERVER_VERSION_MAJOR": major,
        "CI_SERVER_VERSION_MINOR": minor,
        "CI_SERVER_VERSION_PATCH": patch,
        "CI_SERVER_REVISION": REVISION,
        "CI_API_V4_URL": forge.api_url(),
        "CI_API_GRAPHQL_URL": forge.url("api/graphql"),
        "CI_TEMPLATE_REGISTRY_HOST": "registry.gitlab.com",
        "GITLAB_FEATURES": "",
    }


def _project(forge: Forge, project: Project) -> dict[str, str]:
    namespace = project.namespace
    registry = forge.settings.registry
    found = {
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": project.path,
        "CI_PROJECT_TITLE": project.name,
        "CI_PROJECT_DESCRIPTION": project.description or "",
        "CI_PROJECT_PATH": project.full_path,
        "CI_PROJECT_PATH_SLUG": slug(project.full_path),
        "CI_PROJECT_NAMESPACE": namespace.full_path,
        "CI_PROJECT_NAMESPACE_SLUG": slug(namespace.full_path),
        "CI_PROJECT_NAMESPACE_ID": str(namespace.id),
        "CI_PROJECT_ROOT_NAMESPACE": namespace.full_path.partition("/")[0],
        "CI_PROJECT_URL": forge.url(project.full_path),
        "CI_PROJECT_VISIBILITY": project.visibility.value,
        "CI_PROJECT_REPOSITORY_LANGUAGES": "",
        "CI_PROJECT_TOPICS": ",".join(project.topics),
        "CI_PROJECT_CLASSIFICATION_LABEL": "",
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_DEFAULT_BRANCH_SLUG": slug(project.default_branch),
        "CI_CONFIG_PATH": configuration_path(project),
        "CI_PAGES_URL": forge.url("-/pages", project.full_path),
    }
    if registry:
        found |= {
            "CI_REGISTRY": registry,
            "CI_REGISTRY_IMAGE": f"{registry}/{project.full_path.lower()}",
            "CI_REGISTRY_USER": "gitlab-ci-token",
        }
    return found


def _commit(forge: Forge, pipeline: Pipeline) -> dict[str, str]:
    found = forge.storage.open(pipeline.project_id).get(pipeline.sha)
    commit = found if isinstance(found, pygit2.Commit) else None
    message = commit.message if commit else ""
    title, _, rest = message.partition("\n")
    request = pipeline.merge_request
    name = request.source_branch if request else pipeline.ref
    facts = {
        "CI_COMMIT_SHA": pipeline.sha,
        "CI_COMMIT_SHORT_SHA": pipeline.sha[:8],
        "CI_COMMIT_BEFORE_SHA": pipeline.before_sha,
        "CI_COMMIT_REF_NAME": name,
        "CI_COMMIT_REF_SLUG": slug(name),
        "CI_COMMIT_REF_PROTECTED": "true" if pipeline.protected else "false",
        "CI_COMMIT_MESSAGE": message,
        "CI_COMMIT_TITLE": title,
        "CI_COMMIT_DESCRIPTION": rest.lstrip("\n"),
        "CI_COMMIT_TIMESTAMP": moment(commit.committer) if commit else "",
        "CI_COMMIT_AUTHOR": f"{commit.author.name} <{commit.author.email}>" if commit else "",
    }
    if pipeline.tag:
        facts["CI_COMMIT_TAG"] = pipeline.ref
        facts["CI_COMMIT_TAG_MESSAGE"] = _tag_message(forge, pipeline)
    elif request is None:
        facts["CI_COMMIT_BRANCH"] = pipeline.ref
    return facts


def _tag_message(forge: Forge, pipeline: Pipeline) -> str:
    repository = forge.storage.open(pipeline.project_id)
    reference = repository.references.get(f"refs/tags/{pipeline.ref}")
    found = repository.get(reference.target) if reference is not None else None
    return found.message.rstrip("\n") if isinstance(found, pygit2.Tag) else ""


def _pipeline(forge: Forge, session: Session, pipeline: Pipeline) -> dict[str, str]:
    facts = {"CI_PIPELINE_SOURCE": pipeline.source, "CI_PIPELINE_NAME": pipeline.name or ""}
    if pipeline.id is not None:
        facts["CI_PIPELINE_ID"] = str(pipeline.id)
        facts["CI_PIPELINE_IID"] = str(pipeline.iid)
        facts["CI_PIPELINE_URL"] = forge.url(pipeline.project.full_path, "-/pipelines", str(pipeline.id))
        facts["CI_PIPELINE_CREATED_AT"] = timestamp(pipeline.created_at)
    if pipeline.source == "trigger":
        facts["CI_PIPELINE_TRIGGERED"] = "true"
    schedule = session.get(Schedule, pipeline.schedule_id) if pipeline.schedule_id else None
    if schedule is not None:
        facts["CI_PIPELINE_SCHEDULE_DESCRIPTION"] = schedule.description
    return facts


def _merge_request(forge: Forge, session: Session, pipeline: Pipeline) -> dict[str, str]:
    open_ones = _open_requests(session, pipeline)
    facts = {"CI_OPEN_MERGE_REQUESTS": open_ones} if open_ones else {}
    request = pipeline.merge_request
    if request is None:
        return facts
    target, source = request.project, request.source_project or request.project
    protected = is_protected(session, target, BRANCHES + request.target_branch)
    return facts | {
        "CI_MERGE_REQUEST_ID": str(request.id),
        "CI_MERGE_REQUEST_IID": str(request.iid),
        "CI_MERGE_REQUEST_REF_PATH": request.head_ref,
        "CI_MERGE_REQUEST_PROJECT_ID": str(target.id),
        "CI_MERGE_REQUEST_PROJECT_PATH": target.full_path,
        "CI_MERGE_REQUEST_PROJECT_URL": forge.url(target.full_path),
        "CI_MERGE_REQUEST_TITLE": request.title,
        "CI_MERGE_REQUEST_DESCRIPTION": request.description or "",
        "CI_MERGE_REQUEST_DRAFT": "true" if request.draft else "false",
        "CI_MERGE_REQUEST_LABELS": ",".join(request.labels),
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": request.source_branch,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": str(source.id),
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": source.full_path,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": forge.url(source.full_path),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": request.target_branch,
        "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED": "true" if protected else "false",
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": request.base_sha,
        "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_SQUASH_ON_MERGE": "true" if request.squash else "false",
    }


def _open_requests(session: Session, pipeline: Pipeline) -> str:
    """The open merge requests from the branch, as ``group/project!1,...``."""
    if pipeline.tag:
        return ""
    request = pipeline.merge_request
    branch = request.source_branch if request else pipeline.ref
    open_ones = (
        select(MergeRequest)
        .where(
            MergeRequest.source_project_id == (request.source_project_id if request else pipeline.project_id),
            MergeRequest.source_branch == branch,
            MergeRequest.state == "opened",
        )
        .order_by(MergeRequest.id)
        .limit(MOST_OPEN_REQUESTS)
    )
    return ",".join(f"{each.project.full_path}!{each.iid}" for each in session.scalars(open_ones))


def _user(pipeline: Pipeline) -> dict[str, str]:
    user = pipeline.user
    if user is None:
        return {}
    return {
        "GITLAB_USER_ID": str(user.id),
        "GITLAB_USER_LOGIN": user.username,
        "GITLAB_USER_NAME": user.name,
        "GITLAB_USER_EMAIL": user.email,
    }


def _environment(job: Job) -> dict[str, str]:
    wanted = job.options.get("environment")
    if not wanted:
        return {}
    facts = {"CI_ENVIRONMENT_NAME": wanted["name"], "CI_ENVIRONMENT_ACTION": wanted.get("action", "start")}
    if job.environment is not None:
        facts |= {
            "CI_ENVIRONMENT_ID": str(job.environment.id),
            "CI_ENVIRONMENT_NAME": job.environment.name,
            "CI_ENVIRONMENT_SLUG": job.environment.slug,
            "CI_ENVIRONMENT_TIER": job.environment.tier,
        }
    url = wanted.get("url") or (job.environment.external_url if job.environment is not None else None)
    return facts | ({"CI_ENVIRONMENT_URL": url} if url else {})


def _runner(session: Session, job: Job) -> dict[str, str]:
    runner = job.runner
    if runner is None:
        return {}
    tags = ", ".join(f'"{tag}"' for tag in runner.tag_list)
    facts = {
        "CI_RUNNER_ID": str(runner.id),
        "CI_RUNNER_DESCRIPTION": runner.description or "",
        "CI_RUNNER_TAGS": f"[{tags}]",
    }
    manager = session.scalar(
        select(RunnerManager).where(
            RunnerManager.runner_id == runner.id, RunnerManager.system_id == job.runner_system_id
        )
    )
    if manager is not None:
        names = {"version": "VERSION", "revision": "REVISION"}
        facts |= {f"CI_RUNNER_{names[key]}": str(manager.info[key]) for key in names if key in manager.info}
        platform = [str(manager.info[key]) for key in ("platform", "architecture") if key in manager.info]
        if platform:
            facts["CI_RUNNER_EXECUTABLE_ARCH"] = "/".join(platform)
    return facts
