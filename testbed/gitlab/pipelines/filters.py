"""``only`` and ``except``, which configurations used before ``rules``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.gitlab.pipelines.expressions import evaluate
from testbed.gitlab.pipelines.patterns import is_regex, search
from testbed.gitlab.pipelines.rules import Files, changed
from testbed.gitlab.store import Pipeline

__all__ = ["DEFAULT", "passes"]

DEFAULT: Mapping[str, Any] = {"only": {"refs": ["branches", "tags"]}}
"""Of jobs that say nothing, where the whole pipeline has no rules either."""

_SOURCES = {
    "api": "api",
    "chat": "chat",
    "external": "external",
    "merge_requests": "merge_request_event",
    "pipelines": "pipeline",
    "pushes": "push",
    "schedules": "schedule",
    "triggers": "trigger",
    "web": "web",
}


def passes(job: Mapping[str, Any], pipeline: Pipeline, variables: Mapping[str, str], files: Files) -> bool:
    """Whether a job with ``only`` and ``except`` comes about: all of the one and none of the other must hold."""
    only, without = _long(job.get("only")), _long(job.get("except"))
    if only is not None and not all(_holds(key, only[key], pipeline, variables, files) for key in only):
        return False
    return without is None or not any(_holds(key, without[key], pipeline, variables, files) for key in without)


def _long(policy: Any) -> dict[str, Any] | None:
    if policy is None or isinstance(policy, dict):
        return policy
    return {"refs": [policy] if isinstance(policy, str) else policy}


def _holds(key: str, wanted: Any, pipeline: Pipeline, variables: Mapping[str, str], files: Files) -> bool:
    match key:
        case "refs":
            return any(_ref(str(each), pipeline) for each in wanted)
        case "variables":
            return any(evaluate(str(each), variables) for each in wanted)
        case "changes":
            return changed(wanted, variables, files)
        case _:
            return False


def _ref(wanted: str, pipeline: Pipeline) -> bool:
    """Whether a word, a name or an expression means the pipeline."""
    name, _, path = wanted.partition("@") if not is_regex(wanted) else (wanted, "", "")
    if path and path != pipeline.project.full_path:
        return False
    request = pipeline.merge_request_id is not None
    if name in ("branches", "tags"):
        return not request and pipeline.tag == (name == "tags")
    if name in _SOURCES:
        return pipeline.source == _SOURCES[name]
    if request:
        return False
    return search(name, pipeline.ref) if is_regex(name) else name == pipeline.ref
