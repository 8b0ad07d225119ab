"""Bridges: jobs that start a pipeline of their own, as a child or in another project."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines import variables
from testbed.gitlab.pipelines.configuration import LARGEST_FILE
from testbed.gitlab.pipelines.files import artifact_file
from testbed.gitlab.pipelines.includes import GENERATED
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.pipelines.starting import Occasion, draft, note
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.repositories.rules import TAGS
from testbed.gitlab.store import Job, Pipeline, Project

__all__ = ["bridge_of", "depends", "start_downstream"]

DEEPEST_CHILD = 2
"""Generations of child pipelines below the first."""


class _RefusedError(Exception):
    """The pipeline cannot be started; the text is GitLab's name of the reason."""


def start_downstream(forge: Forge, session: Session, bridge: Job) -> tuple[str, str | None]:
    """Note the pipeline that a bridge asks for.

    Returns:
        The bridge's status, ``running`` until the pipeline is compiled or has ended, and why it failed.
    """
    try:
        begin = _elsewhere if "project" in _trigger(bridge) else _child
        drafted = begin(forge, session, bridge)
    except _RefusedError as refused:
        return "failed", str(refused)
    drafted.variables = _forwarded(forge, session, bridge)
    drafted.inputs = dict(_trigger(bridge).get("inputs") or {})
    bridge.downstream = note(forge, session, drafted)
    session.flush()
    return "running", None


def bridge_of(session: Session, pipeline: Pipeline) -> Job | None:
    """The job that started a pipeline."""
    return session.scalar(select(Job).where(Job.downstream_id == pipeline.id))


def depends(bridge: Job) -> bool:
    """Whether a bridge ends as its pipeline does, and not once that is there."""
    return _trigger(bridge).get("strategy") in ("depend", "mirror")


def _trigger(bridge: Job) -> dict[str, Any]:
    found: dict[str, Any] = bridge.options["trigger"]
    return found


def _known(forge: Forge, session: Session, bridge: Job) -> dict[str, str]:
    return variables.values(variables.of_job(forge, session, bridge))


def _elsewhere(forge: Forge, session: Session, bridge: Job) -> Pipeline:
    known = _known(forge, session, bridge)
    path = variables.expand(str(_trigger(bridge)["project"]), known)
    project = session.scalar(select(Project).where(Project.full_path == path))
    if project is None or bridge.user is None:
        raise _RefusedError("downstream_bridge_project_not_found")
    if level_of(session, Actor(user=bridge.user), project) < Level.DEVELOPER:
        raise _RefusedError("insufficient_bridge_permissions")
    ref = variables.expand(str(_trigger(bridge).get("branch") or project.default_branch), known)
    repository = forge.storage.open(project.id)
    commit = resolve(repository, ref)
    if commit is None:
        raise _RefusedError("downstream_pipeline_creation_failed")
    sha = str(commit.id)
    if any((above.project_id, above.sha) == (project.id, sha) for above in _ancestors(session, bridge.pipeline)):
        raise _RefusedError("pipeline_loop_detected")
    tag = ref not in repository.branches.local and TAGS + ref in repository.references
    return draft(session, project, bridge.user, Occasion(source="pipeline", ref=ref, sha=sha, tag=tag))


def _child(forge: Forge, session: Session, bridge: Job) -> Pipeline:
    parent = bridge.pipeline
    generations = sum(above.source == "parent_pipeline" for above in _ancestors(session, parent))
    if generations >= DEEPEST_CHILD:
        raise _RefusedError("reached_max_descendant_pipelines_depth")
    given = _trigger(bridge).get("include") or []
    occasion = Occasion(
        source="parent_pipeline",
        ref=parent.ref,
        sha=parent.sha,
        tag=parent.tag,
        before_sha=parent.before_sha,
        merge_request=parent.merge_request,
    )
    drafted = draft(session, parent.project, bridge.user, occasion)
    entries = given if isinstance(given, list) else [given]
    drafted.includes = [_include(forge, session, parent, each) for each in entries]
    return drafted


def _include(forge: Forge, session: Session, parent: Pipeline, given: Any) -> dict[str, Any]:
    """An include of a child pipeline; a file from a job's artifacts is taken out at once."""
    entry = {"local": given} if isinstance(given, str) else dict(given)
    if "artifact" not in entry:
        return entry
    named = select(Job).where(Job.pipeline_id == parent.id, Job.name == entry.get("job"), Job.retried.is_(False))
    job = session.scalar(named)
    archive = artifact_of(job, "archive") if job is not None else None
    if archive is None:
        raise _RefusedError("downstream_pipeline_creation_failed")
    try:
        with zipfile.ZipFile(artifact_file(forge.settings, archive)) as files:
            text = files.open(entry["artifact"]).read(LARGEST_FILE + 1)
    except (OSError, KeyError, zipfile.BadZipFile):
        raise _RefusedError("downstream_pipeline_creation_failed") from None
    return {GENERATED: text.decode("utf-8", "replace")}


def _ancestors(session: Session, pipeline: Pipeline) -> Iterator[Pipeline]:
    """The pipeline, the one whose bridge started it, and so on."""
    here: Pipeline | None = pipeline
    while here is not None:
        yield here
        bridge = bridge_of(session, here)
        here = bridge.pipeline if bridge is not None else None


def _forwarded(forge: Forge, session: Session, bridge: Job) -> dict[str, Any]:
    """The variables that the pipeline is given: the bridge's own, and its pipeline's where that is asked for."""
    forward = _trigger(bridge).get("forward") or {}
    found: dict[str, Any] = {}
    if forward.get("pipeline_variables"):
        found |= bridge.pipeline.variables
    if forward.get("yaml_variables", True):
        known = _known(forge, session, bridge)
        for each in variables.from_yaml(bridge.options.get("variables", {})):
            value = each.value if each.raw else variables.expand(each.value, known)
            found[each.key] = {"value": value, "variable_type": "env_var", "raw": each.raw}
    return found
