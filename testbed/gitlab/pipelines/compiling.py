"""From a commit to the jobs of its pipeline, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configuration import ConfigurationError, read
from testbed.gitlab.pipelines.configured import configuration_path
from testbed.gitlab.pipelines.expanding import NO_JOBS
from testbed.gitlab.pipelines.includes import Assembly
from testbed.gitlab.pipelines.job_definitions import Definition, PlannedJob, Surroundings
from testbed.gitlab.pipelines.rules import RuleError, Ruling, rule
from testbed.gitlab.pipelines.sources import CommitFiles, Source
from testbed.gitlab.pipelines.variables import PipelineVariables, expand
from testbed.gitlab.store import Pipeline

__all__ = ["Compiled", "compile_pipeline"]

FILTERED = (
    "Pipeline will not run for the selected trigger. "
    "The rules configuration prevented any jobs from being added to the pipeline."
)
FILTERED_BY_WORKFLOW = "Pipeline filtered out by workflow rules."

MOST_NEEDS = 50


@dataclass(kw_only=True)
class Compiled:
    """What a configuration says about one pipeline."""

    errors: list[str] = field(default_factory=list)
    """Why the configuration cannot be used."""
    filtered: str | None = None
    """Why there shall be no pipeline."""
    warnings: list[str] = field(default_factory=list)
    name: str | None = None
    stages: list[str] = field(default_factory=list)
    jobs: list[PlannedJob] = field(default_factory=list)
    auto_cancel: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    """The configuration with everything included and expanded."""


def compile_pipeline(forge: Forge, session: Session, pipeline: Pipeline, content: str | None = None) -> Compiled:
    """Read the configuration for a pipeline. Takes a second or two, unless the same one was read before.

    Args:
        forge: the double.
        session: for reading.
        pipeline: stored or not; with its project, commit, source, user and variables.
        content: a configuration to be tried in place of the commit's.
    """
    compiled = Compiled()
    try:
        _Compiler(forge, session, pipeline, compiled).run(content)
    except ConfigurationError as error:
        compiled.errors.append(str(error))
        compiled.jobs = []
    return compiled


class _Compiler:
    def __init__(self, forge: Forge, session: Session, pipeline: Pipeline, compiled: Compiled) -> None:
        self._forge = forge
        self._session = session
        self._pipeline = pipeline
        self._compiled = compiled
        self._files = CommitFiles(forge, pipeline)
        self._variables = PipelineVariables(forge, session, pipeline)

    def run(self, content: str | None) -> None:
        compiled = self._compiled
        assembled = self._document(content)
        if not _visible(assembled):
            raise ConfigurationError("jobs config should contain at least one visible job")
        document = self._forge.expander.expand(assembled)
        compiled.document = document
        compiled.stages = [str(each) for each in document["stages"]]
        defaults = document.get("variables") or {}
        workflow = document.get("workflow") or {}
        ruling = self._workflow(workflow, defaults)
        if ruling is None or ruling.when == "never":
            compiled.filtered = FILTERED_BY_WORKFLOW
            return
        defaults = {**defaults, **ruling.variables}
        compiled.auto_cancel = {**(workflow.get("auto_cancel") or {}), **ruling.auto_cancel}
        if workflow.get("name"):
            compiled.name = expand(str(workflow["name"]), self._variables.values(defaults)).strip() or None
        around = Surroundings(
            pipeline=self._pipeline,
            files=self._files,
            variables=self._variables,
            defaults=defaults,
            default_filter="rules" not in workflow,
        )
        self._plan(document, around)

    def _document(self, content: str | None) -> dict[str, Any]:
        pipeline = self._pipeline
        known = self._variables.values({})
        assembly = Assembly(
            forge=self._forge, session=self._session, user=pipeline.user, variables=known, files=self._files
        )
        source = Source(pipeline.project, self._forge.storage.open(pipeline.project_id), self._files.commit)
        path = configuration_path(pipeline.project)
        if content is not None:
            return assembly.text(source, read(content, path, pipeline.inputs, known))
        if pipeline.includes:
            return assembly.entries(source, pipeline.includes, pipeline.inputs)
        return assembly.root(source, path, pipeline.inputs)

    def _workflow(self, workflow: Mapping[str, Any], defaults: Mapping[str, Any]) -> Ruling | None:
        if "rules" not in workflow:
            return Ruling()
        try:
            return rule(workflow["rules"] or [], self._variables.values(defaults), self._files)
        except RuleError as error:
            raise ConfigurationError(f"workflow:{error}") from None

    def _plan(self, document: Mapping[str, Any], around: Surroundings) -> None:
        compiled = self._compiled
        named = _visible(document)
        _check_cycles(named)
        for name, job in named.items():
            compiled.jobs += Definition(name, job, around).planned()
        compiled.errors += _link(compiled.jobs)
        if not any(job.stage not in (".pre", ".post") for job in compiled.jobs):
            compiled.jobs, compiled.filtered = [], FILTERED


def _visible(document: Mapping[str, Any]) -> dict[str, Any]:
    """The jobs of a configuration, those that are only there to be extended left out."""
    return {name: job for name, job in document.items() if name not in NO_JOBS and not name.startswith(".")}


def _check_cycles(jobs: Mapping[str, Mapping[str, Any]]) -> None:
    graph = {
        name: [each["job"] for each in job.get("needs") or [] if isinstance(each, dict) and "pipeline" not in each]
        for name, job in jobs.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = ", ".join(error.args[1][:-1])
        raise ConfigurationError(f"The pipeline has circular dependencies: {circle}") from None


def _link(jobs: Iterable[PlannedJob]) -> list[str]:
    """Let needs and dependencies name jobs of the pipeline, each copy of a matrix by itself; what does not fit."""
    listed = list(jobs)
    copies: dict[str, list[str]] = {}
    for job in listed:
        copies.setdefault(job.base_name, []).append(job.name)
        copies.setdefault(job.name, [job.name])
    problems = []
    for job in listed:
        if job.needs is not None:
            problems += _link_needs(job, job.needs, copies)
        if "dependencies" in job.options:
            job.options["dependencies"] = [
                name for wanted in job.options["dependencies"] for name in copies.get(wanted, [])
            ]
    return problems


def _link_needs(job: PlannedJob, needs: list[dict[str, Any]], copies: Mapping[str, list[str]]) -> list[str]:
    inside = [need for need in needs if "project" not in need and "pipeline" not in need]
    elsewhere = [need for need in needs if "project" in need or "pipeline" in need]
    if elsewhere:
        job.options["cross_needs"] = elsewhere
    if len(inside) > MOST_NEEDS:
        return [f"jobs:{job.name}:needs config should have at most {MOST_NEEDS} needs"]
    missing = [need["job"] for need in inside if need["job"] not in copies and not need["optional"]]
    job.needs = [{**need, "job": name} for need in inside for name in copies.get(need["job"], [])]
    if elsewhere and not inside:
        job.needs = None
    return [
        f"'{job.name}' job needs '{name}' job, but '{name}' does not exist in the pipeline. This might be because of "
        "the only, except, or rules keywords. To need a job that sometimes does not exist in the pipeline, use "
        "needs:optional."
        for name in missing
    ]
