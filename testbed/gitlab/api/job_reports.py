"""What the jobs of a pipeline report."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from testbed.gitlab.api.pipeline_entities import find_pipeline, readable_project
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.reports import Suite, TestCase, artifact_of, parse_junit, read_report
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Job, Pipeline

__all__ = ["routes", "suites_of"]

routes = Routes()

_COUNTS = tuple((f"{status}_count", status) for status in ("success", "failed", "skipped", "error"))


def suites_of(settings: Settings, pipeline: Pipeline) -> list[tuple[Job, Suite]]:
    """The tests of each job with a JUnit report; of several attempts the last one counts."""
    found = []
    for job in pipeline.jobs:
        artifact = artifact_of(job, "junit")
        if artifact is None or job.retried:
            continue
        try:
            suite = parse_junit(read_report(settings, artifact), job.name)
        except ValueError as error:
            suite = Suite(name=job.name, error=str(error))
        found.append((job, suite))
    return found


@routes.get("/projects/{id}/pipelines/{pipeline_id}/test_report")
def test_report(call: Call) -> dict[str, Any]:
    """All tests."""
    found = suites_of(call.forge.settings, find_pipeline(call, readable_project(call)))
    suites = [
        {**_suite(suite), "suite_error": suite.error, "test_cases": [_case(case) for case in suite.cases]}
        for _, suite in found
    ]
    return {**_totals(suite for _, suite in found), "test_suites": suites}


@routes.get("/projects/{id}/pipelines/{pipeline_id}/test_report_summary")
def test_report_summary(call: Call) -> dict[str, Any]:
    """The counts of tests, job by job."""
    found = suites_of(call.forge.settings, find_pipeline(call, readable_project(call)))
    totals = _totals(suite for _, suite in found)
    errors = [suite.error for _, suite in found if suite.error]
    return {
        "total": {
            "time": totals["total_time"],
            "count": totals["total_count"],
            **{name.removesuffix("_count"): totals[name] for name, _ in _COUNTS},
            "suite_error": errors[0] if errors else None,
        },
        "test_suites": [{**_suite(suite), "build_ids": [job.id], "suite_error": suite.error} for job, suite in found],
    }


def _suite(suite: Suite) -> dict[str, Any]:
    return {"name": suite.name, **_totals([suite])}


def _totals(suites: Any) -> dict[str, Any]:
    listed = list(suites)
    cases = [case for suite in listed for case in suite.cases]
    return {
        "total_time": round(sum(case.seconds for case in cases), 3),
        "total_count": len(cases),
        **{name: sum(suite.count(status) for suite in listed) for name, status in _COUNTS},
    }


def _case(case: TestCase) -> dict[str, Any]:
    facts = asdict(case)
    return {
        "status": facts["status"],
        "name": facts["name"],
        "classname": facts["classname"],
        "file": facts["file"],
        "execution_time": facts["seconds"],
        "system_output": facts["output"],
        "stack_trace": facts["stack_trace"],
    }
