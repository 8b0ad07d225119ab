"""A job as the runner protocol hands it out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pygit2
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.files import REPORT_FORMATS
from testbed.gitlab.pipelines.inheriting import sources_of
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.pipelines.traces import TOKEN_PREFIXES
from testbed.gitlab.pipelines.variables import for_runner
from testbed.gitlab.store import Job, Runner

__all__ = ["FAILURE_REASONS", "job_payload", "reports_of", "timeout_of"]

FAILURE_REASONS = (
    "unknown_failure",
    "script_failure",
    "runner_system_failure",
    "runner_unsupported",
    "job_execution_timeout",
    "job_canceled",
    "image_pull_failure",
    "configuration_error",
)
"""What a runner may give as the reason."""

_REPORT_NAMES = {
    "accessibility": "gl-accessibility.json",
    "annotations": "gl-annotations.json",
    "browser_performance": "browser-performance.json",
    "cobertura": "cobertura-coverage.xml",
    "codequality": "gl-code-quality-report.json",
    "container_scanning": "gl-container-scanning-report.json",
    "cyclonedx": "gl-sbom.cdx.json",
    "dast": "gl-dast-report.json",
    "dependency_scanning": "gl-dependency-scanning-report.json",
    "dotenv": ".env",
    "jacoco": "jacoco-coverage.xml",
    "junit": "junit.xml",
    "load_performance": "load-performance.json",
    "lsif": "lsif.json",
    "metrics": "metrics.txt",
    "requirements": "requirements.json",
    "requirements_v2": "requirements_v2.json",
    "sast": "gl-sast-report.json",
    "secret_detection": "gl-secret-detection-report.json",
    "terraform": "tfplan.json",
}


def job_payload(forge: Forge, session: Session, job: Job, token: str) -> dict[str, Any]:
    """Everything that a runner needs for a job that was just given to it."""
    variables = for_runner(forge, session, job.project, job, token)
    known = {each["key"]: each["value"] for each in variables}
    timeout = timeout_of(job, job.runner)
    return {
        "id": job.id,
        "token": token,
        "allow_git_fetch": setting(job.project, "build_git_strategy") == "fetch",
        "job_info": _job_info(session, job),
        "git_info": _git_info(forge, job, known),
        "runner_info": {"timeout": timeout, "runner_session_url": None},
        "inputs": [],
        "variables": variables,
        "steps": _steps(job, timeout),
        "hooks": [{"name": name, "script": _lines(script)} for name, script in job.options.get("hooks", {}).items()],
        "image": _image(job.options.get("image")),
        "services": [_image(each) for each in job.options.get("services") or []],
        "artifacts": _artifacts(job),
        "cache": _Caches(forge, job).entries(),
        "credentials": _credentials(known, token),
        "dependencies": _dependencies(session, job, token),
        "features": {
            "trace_sections": True,
            "token_mask_prefixes": list(TOKEN_PREFIXES),
            "failure_reasons": list(FAILURE_REASONS),
        },
    }


def timeout_of(job: Job, runner: Runner | None) -> int:
    """Seconds that a job may run: the job's limit or the project's, and never more than the runner's."""
    limit: int = job.options.get("timeout_s") or setting(job.project, "build_timeout")
    return min(limit, runner.maximum_timeout) if runner is not None and runner.maximum_timeout else limit


def reports_of(job: Job) -> dict[str, list[str]]:
    """The paths of the reports that a job declares, by kind."""
    declared: Mapping[str, Any] = (job.options.get("artifacts") or {}).get("reports") or {}
    found: dict[str, list[str]] = {}
    for kind, paths in declared.items():
        if kind == "coverage_report":
            found[paths["coverage_format"]] = [paths["path"]]
        elif kind in REPORT_FORMATS:
            found[kind] = [paths] if isinstance(paths, str) else list(paths)
    return found


def _job_info(session: Session, job: Job) -> dict[str, Any]:
    project = job.project
    *_, top = project.namespace.lineage()
    running = select(func.count()).select_from(Job).where(Job.project_id == project.id, Job.status == "running")
    waited = (now() - job.queued_at).total_seconds() if job.queued_at else 0.0
    return {
        "id": job.id,
        "name": job.name,
        "stage": job.stage,
        "project_id": project.id,
        "project_name": project.name,
        "project_full_path": project.full_path,
        "namespace_id": project.namespace_id,
        "root_namespace_id": top.id,
        "user_id": job.user_id,
        "time_in_queue_seconds": round(waited, 3),
        "project_jobs_running_on_instance_runners_count": str(session.scalar(running)),
    }


def _git_info(forge: Forge, job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
    pipeline = job.pipeline
    depth = _depth(job, variables)
    kept = f"refs/pipelines/{pipeline.id}"
    # Branches move on and are deleted; this ref keeps the pipeline's commit within reach.
    forge.storage.open(job.project_id).references.create(kept, pipeline.sha, force=True)
    return {
        "repo_url": variables["CI_REPOSITORY_URL"],
        "ref": variables["CI_COMMIT_REF_NAME"],
        "sha": pipeline.sha,
        "before_sha": pipeline.before_sha,
        "ref_type": "tag" if pipeline.tag else "branch",
        "refspecs": [f"+{kept}:{kept}", *_refspecs(job, depth)],
        "depth": depth,
        "repo_object_format": "sha1",
        "protected": pipeline.protected,
    }


def _depth(job: Job, variables: Mapping[str, str]) -> int:
    wanted = variables.get("GIT_DEPTH")
    if wanted is None:
        return int(setting(job.project, "ci_default_git_depth") or 0)
    return int(wanted) if wanted.isdecimal() else 0


def _refspecs(job: Job, depth: int) -> list[str]:
    pipeline = job.pipeline
    if depth == 0:
        return ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    if pipeline.tag:
        return [f"+refs/tags/{pipeline.ref}:refs/tags/{pipeline.ref}"]
    if pipeline.merge_request_id is not None:
        return []
    return [f"+refs/heads/{pipeline.ref}:refs/remotes/origin/{pipeline.ref}"]


def _steps(job: Job, timeout: int) -> list[dict[str, Any]]:
    options = job.options
    script = [*_lines(options.get("before_script")), *_lines(options.get("script"))]
    steps = [{"name": "script", "script": script, "timeout": timeout, "when": "on_success", "allow_failure": False}]
    after = _lines(options.get("after_script"))
    if after:
        steps.append(
            {"name": "after_script", "script": after, "timeout": timeout, "when": "always", "allow_failure": True}
        )
    return steps


def _lines(script: Any) -> list[str]:
    """The commands of a script: a string, or a list in which further lists may be."""
    if not script:
        return []
    if isinstance(script, list):
        return [line for each in script for line in _lines(each)]
    return [str(script)]


def _image(given: Any) -> dict[str, Any] | None:
    """An image or service: its name alone, or a mapping."""
    if not given:
        return None
    facts: Mapping[str, Any] = {"name": given} if isinstance(given, str) else given
    entrypoint, policy = facts.get("entrypoint"), facts.get("pull_policy")
    found = {
        "name": facts["name"],
        "entrypoint": [entrypoint] if isinstance(entrypoint, str) else entrypoint,
        "ports": [],
        "executor_opts": {name: facts[name] for name in ("docker", "kubernetes") if facts.get(name)},
        "pull_policy": [policy] if isinstance(policy, str) else policy,
    }
    if "alias" in facts or "command" in facts or "variables" in facts:
        variables = [{"key": key, "value": str(value)} for key, value in (facts.get("variables") or {}).items()]
        found |= {"alias": facts.get("alias"), "command": facts.get("command"), "variables": variables}
    return found


def _artifacts(job: Job) -> list[dict[str, Any]]:
    declared = job.options.get("artifacts") or {}
    found = []
    if declared.get("paths") or declared.get("untracked"):
        found.append(
            {
                "name": declared.get("name"),
                "untracked": bool(declared.get("untracked")),
                "paths": declared.get("paths") or [],
                "exclude": declared.get("exclude") or [],
                "when": declared.get("when", "on_success"),
                "expire_in": declared.get("expire_in"),
                "artifact_type": "archive",
                "artifact_format": "zip",
            }
        )
    for kind, paths in reports_of(job).items():
        found.append(
            {
                "name": _REPORT_NAMES.get(kind, f"gl-{kind.replace('_', '-')}-report.json"),
                "paths": paths,
                "when": "always",
                "expire_in": declared.get("expire_in"),
                "artifact_type": kind,
                "artifact_format": REPORT_FORMATS[kind],
            }
        )
    return found


@dataclass(frozen=True)
class _Caches:
    """The caches of a job."""

    forge: Forge
    job: Job

    def entries(self) -> list[dict[str, Any]]:
        """As the runner protocol has them; with separate caches, jobs on protected refs have their own."""
        declared = self.job.options.get("cache") or []
        suffix = ""
        if setting(self.job.project, "ci_separated_caches"):
            suffix = "-protected" if self.job.pipeline.protected else "-non_protected"
        return [
            {
                "key": self._key(each.get("key")) + suffix,
                "untracked": bool(each.get("untracked")),
                "paths": each.get("paths") or [],
                "policy": each.get("policy", "pull-push"),
                "when": each.get("when", "on_success"),
                "fallback_keys": [f"{key}{suffix}" for key in each.get("fallback_keys") or []],
            }
            for each in (declared if isinstance(declared, list) else [declared])
            if each
        ]

    def _key(self, given: Any) -> str:
        if not isinstance(given, Mapping):
            return str(given or "default")
        digest = self._content(given.get("files") or [])
        return f"{given['prefix']}-{digest}" if given.get("prefix") else digest

    def _content(self, files: list[str]) -> str:
        """What stands for the content of files in the pipeline's commit; ``default`` where none is there."""
        commit = self.forge.storage.open(self.job.project_id)[self.job.pipeline.sha]
        assert isinstance(commit, pygit2.Commit)  # noqa: S101 - pipelines are for commits
        found = [str(commit.tree[path].id) for path in files if path in commit.tree]
        return hashlib.sha256("-".join(found).encode()).hexdigest()[:40] if found else "default"


def _credentials(variables: Mapping[str, str], token: str) -> list[dict[str, str]]:
    registry = variables.get("CI_REGISTRY")
    if not registry:
        return []
    return [{"type": "registry", "url": registry, "username": "gitlab-ci-token", "password": token}]


def _dependencies(session: Session, job: Job, token: str) -> list[dict[str, Any]]:
    """The jobs whose archives are downloaded; the job's own token opens them, as theirs are void by now."""
    found = []
    for other in sources_of(session, job):
        archive = artifact_of(other, "archive")
        if archive is not None:
            file = {"filename": archive.filename, "size": archive.size}
            found.append({"id": other.id, "name": other.name, "token": token, "artifacts_file": file})
    return found
