"""Checking configurations of pipelines."""

from __future__ import annotations

from typing import Any

import pygit2
import yaml

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import missing, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.compiling import Compiled, compile_pipeline
from testbed.gitlab.pipelines.job_definitions import PlannedJob
from testbed.gitlab.pipelines.starting import Occasion, draft, has_configuration
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Project

__all__ = ["routes"]

routes = Routes(anonymous=False)


class Lint(Params):
    """GET projects/:id/ci/lint."""

    content_ref: str | None = None
    sha: str | None = None
    dry_run: bool = False
    dry_run_ref: str | None = None
    ref: str | None = None
    include_jobs: bool = False


class LintContent(Lint):
    """POST projects/:id/ci/lint."""

    content: NotEmpty


@routes.get("/projects/{id}/ci/lint")
def lint(call: Call, params: Lint) -> dict[str, Any]:
    """Check the configuration of a commit."""
    project = call.project(Level.REPORTER)
    commit = _commit(call, project, params.content_ref or params.sha)
    if not has_configuration(project, commit):
        return _answer(Compiled(errors=["Please provide content of .gitlab-ci.yml"]), params)
    return _answer(_compiled(call, project, commit, params, None), params)


@routes.post("/projects/{id}/ci/lint", status=200, reading=True)
def lint_content(call: Call, params: LintContent) -> dict[str, Any]:
    """Check a configuration that is not committed."""
    project = call.project(Level.DEVELOPER)
    commit = _commit(call, project, None)
    return _answer(_compiled(call, project, commit, params, params.content), params)


def _commit(call: Call, project: Project, ref: str | None) -> pygit2.Commit:
    found = resolve(call.forge.storage.open(project.id), ref or project.default_branch)
    if found is None:
        raise missing() if ref else rejected(400, "400 Bad request - the repository is empty")
    return found


def _compiled(call: Call, project: Project, commit: pygit2.Commit, params: Lint, content: str | None) -> Compiled:
    ref = params.dry_run_ref or params.ref or project.default_branch
    occasion = Occasion(source="push", ref=ref, sha=str(commit.id))
    compiled = compile_pipeline(call.forge, call.session, draft(call.session, project, call.user, occasion), content)
    if params.dry_run and compiled.filtered is not None:
        compiled.errors.append(compiled.filtered)
    return compiled


def _answer(compiled: Compiled, params: Lint) -> dict[str, Any]:
    merged = yaml.safe_dump(compiled.document, sort_keys=False) if compiled.document else None
    answer: dict[str, Any] = {
        "valid": not compiled.errors,
        "merged_yaml": f"---\n{merged}" if merged else None,
        "errors": compiled.errors,
        "warnings": compiled.warnings,
        "includes": [],
    }
    if params.include_jobs:
        answer["jobs"] = [_job(job) for job in compiled.jobs]
    return answer


def _job(job: PlannedJob) -> dict[str, Any]:
    environment = job.options.get("environment")
    return {
        "name": job.name,
        "stage": job.stage,
        "before_script": job.options.get("before_script") or [],
        "script": job.options.get("script") or [],
        "after_script": job.options.get("after_script") or [],
        "tag_list": job.tag_list,
        "only": None,
        "except": None,
        "environment": environment["name"] if environment else None,
        "when": job.when,
        "allow_failure": job.allow_failure,
        "needs": job.needs,
    }
