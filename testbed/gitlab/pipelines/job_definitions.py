"""From a job of an expanded configuration to the jobs of a pipeline: matrix, rules, variables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.gitlab.pipelines import filters
from testbed.gitlab.pipelines.configuration import ConfigurationError
from testbed.gitlab.pipelines.durations import seconds
from testbed.gitlab.pipelines.expressions import ExpressionError
from testbed.gitlab.pipelines.rules import Files, RuleError, Ruling, rule
from testbed.gitlab.pipelines.variables import PipelineVariables, expand
from testbed.gitlab.store import Pipeline

__all__ = ["Definition", "PlannedJob", "Surroundings"]

MOST_PARALLEL = 200

_ELSEWHERE = frozenset(
    {
        "allow_failure",
        "dependencies",
        "except",
        "extends",
        "inherit",
        "needs",
        "only",
        "parallel",
        "rules",
        "stage",
        "start_in",
        "tags",
        "variables",
        "when",
    }
)
"""Keywords that are no part of a job's options: they are decided here, or have columns of their own."""


@dataclass(kw_only=True)
class PlannedJob:
    """A job that a pipeline will have."""

    name: str
    base_name: str
    """As the configuration calls it; several jobs of a matrix share it."""
    stage: str
    kind: str
    when: str
    allow_failure: bool
    allow_failure_codes: list[int]
    start_in_s: int | None
    tag_list: list[str]
    needs: list[dict[str, Any]] | None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the rules of all jobs see."""

    pipeline: Pipeline
    files: Files
    variables: PipelineVariables
    defaults: Mapping[str, Any]
    """The variables at the top of the configuration, and those of the workflow's rules."""
    default_filter: bool
    """Whether jobs that say nothing run for branches and tags alone."""


@dataclass(frozen=True)
class Definition:
    """One job of the configuration."""

    name: str
    job: Mapping[str, Any]
    around: Surroundings

    def planned(self) -> Iterator[PlannedJob]:
        """The jobs that come of it: none when its rules say so, several of a matrix.

        Raises:
            ConfigurationError: when its rules cannot be read.
        """
        for name, node, matrix in self._copies():
            yaml = {**self._inherited(), **(self.job.get("variables") or {}), **matrix}
            known = self.around.variables.values(yaml, {"CI_JOB_NAME": name, "CI_JOB_STAGE": self._stage})
            ruling = self._ruling(known)
            if ruling is not None and ruling.when != "never":
                yield self._planned(name, node, {**yaml, **ruling.variables}, ruling)

    @property
    def _stage(self) -> str:
        return str(self.job.get("stage", "test"))

    def _copies(self) -> Iterator[tuple[str, dict[str, int], dict[str, Any]]]:
        """Name, place among its like, and variables of each copy."""
        parallel = self.job.get("parallel")
        if isinstance(parallel, int):
            for index in range(1, parallel + 1):
                yield f"{self.name} {index}/{parallel}", {"index": index, "total": parallel}, {}
        elif isinstance(parallel, dict):
            cells = list(_cells(parallel.get("matrix") or []))
            if len(cells) > MOST_PARALLEL:
                raise ConfigurationError(
                    f"jobs:{self.name}:parallel:matrix config generates too many jobs (maximum is {MOST_PARALLEL})"
                )
            for index, cell in enumerate(cells, 1):
                yield f"{self.name}: [{', '.join(cell.values())}]", {"index": index, "total": len(cells)}, cell
        else:
            yield self.name, {}, {}

    def _inherited(self) -> Mapping[str, Any]:
        wanted = (self.job.get("inherit") or {}).get("variables", True)
        if isinstance(wanted, list):
            return {key: value for key, value in self.around.defaults.items() if key in wanted}
        return self.around.defaults if wanted else {}

    def _ruling(self, known: Mapping[str, str]) -> Ruling | None:
        try:
            if "rules" in self.job:
                return rule(self.job["rules"] or [], known, self.around.files)
            filtered = self.job
            if "only" not in filtered and "except" not in filtered and self.around.default_filter:
                filtered = filters.DEFAULT
            if filters.passes(filtered, self.around.pipeline, known, self.around.files):
                return Ruling()
        except (RuleError, ExpressionError) as error:
            raise ConfigurationError(f"jobs:{self.name}:{error}") from None
        return None

    def _planned(self, name: str, node: dict[str, int], yaml: dict[str, Any], ruling: Ruling) -> PlannedJob:
        job = self.job
        known = self.around.variables.values(yaml, {"CI_JOB_NAME": name, "CI_JOB_STAGE": self._stage})
        when = ruling.when or job.get("when") or "on_success"
        allowed, codes = self._allowed(when, ruling)
        needs = ruling.needs if ruling.needs is not None else job.get("needs")
        start_in = ruling.start_in or job.get("start_in")
        return PlannedJob(
            name=name,
            base_name=self.name,
            stage=self._stage,
            kind="bridge" if "trigger" in job else "build",
            when=when,
            allow_failure=allowed,
            allow_failure_codes=codes,
            start_in_s=_span(self.name, "start_in", start_in) if when == "delayed" else None,
            tag_list=[expand(str(tag), known) for tag in job.get("tags") or []],
            needs=None if needs is None else [_need(each) for each in needs],
            options=self._options(node, yaml, ruling, known),
        )

    def _allowed(self, when: str, ruling: Ruling) -> tuple[bool, list[int]]:
        """Whether the job may fail, and with which exit codes; manual jobs without rules may."""
        given = ruling.allow_failure if ruling.allow_failure is not None else self.job.get("allow_failure")
        if isinstance(given, dict):
            codes = given.get("exit_codes", [])
            return False, codes if isinstance(codes, list) else [codes]
        if given is None:
            return when == "manual" and "rules" not in self.job, []
        return bool(given), []

    def _options(
        self, node: dict[str, int], yaml: dict[str, Any], ruling: Ruling, known: Mapping[str, str]
    ) -> dict[str, Any]:
        job = self.job
        options = {key: value for key, value in job.items() if key not in _ELSEWHERE}
        options["variables"] = yaml
        if node:
            options["node"] = node
        if ruling.interruptible is not None:
            options["interruptible"] = ruling.interruptible
        if "timeout" in job:
            options["timeout_s"] = _span(self.name, "timeout", job["timeout"])
        if isinstance(job.get("environment"), str):
            options["environment"] = {"name": job["environment"]}
        if isinstance(job.get("trigger"), str):
            options["trigger"] = {"project": job["trigger"]}
        if job.get("resource_group"):
            options["resource_group"] = expand(str(job["resource_group"]), known)
        if job.get("dependencies") is not None:
            options["dependencies"] = list(job["dependencies"])
        return options


def _cells(matrix: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for row in matrix:
        choices = [[str(each) for each in (value if isinstance(value, list) else [value])] for value in row.values()]
        for cell in itertools.product(*choices):
            yield dict(zip(row, cell, strict=True))


def _need(given: Any) -> dict[str, Any]:
    """A need in its long form."""
    entry = {"job": given} if isinstance(given, str) else dict(given)
    return {"artifacts": True, "optional": False, **entry}


def _span(name: str, keyword: str, value: Any) -> int | None:
    try:
        return seconds(value) if value is not None else None
    except ValueError:
        raise ConfigurationError(f"jobs:{name}:{keyword} should be a duration") from None
