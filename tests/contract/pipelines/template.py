"""The pipeline template as GitLab sees it: its inputs, and its configuration once they are put in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "pipelines/default"
COMPONENT = FOLDER / "templates/default.yml"

JOBS = (
    "build-job",
    "unit-test-job",
    "lint-test-job",
    "security-dev-job",
    "promote-dev-job",
    "integration-test-job",
    "functional-test-job",
    "security-prev-job",
    "promote-preview-job",
    "deploy-job",
)

_INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")


@cache
def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The header with the inputs, and the configuration as it is written."""
    header, configuration = yaml.safe_load_all(COMPONENT.read_text())
    return header, configuration


def inputs() -> dict[str, dict[str, Any]]:
    """What may be set, as declared."""
    found: dict[str, dict[str, Any]] = documents()[0]["spec"]["inputs"]
    return found


def used_inputs() -> set[str]:
    """The inputs that the configuration mentions."""
    return set(_INPUT.findall(COMPONENT.read_text()))


def render(**given: Any) -> dict[str, Any]:
    """The configuration with inputs put in; underscores stand for dashes."""
    values = {name: declared.get("default") for name, declared in inputs().items()}
    values |= {name.replace("_", "-"): value for name, value in given.items()}

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            return {put(key): put(value) for key, value in node.items()}
        if isinstance(node, list):
            return [put(each) for each in node]
        if not isinstance(node, str):
            return node
        if whole := _INPUT.fullmatch(node):
            return values[whole[1]]
        return _INPUT.sub(lambda match: _text(values[match[1]]), node)

    rendered: dict[str, Any] = put(documents()[1])
    return rendered


def inherited(configuration: dict[str, Any], job: str) -> dict[str, Any]:
    """A job with everything that it extends, merged as GitLab does: mappings deeply, all else replaced."""
    own = configuration[job]
    return _merged(inherited(configuration, own["extends"]), own) if "extends" in own else dict(own)


def script(job: str, item: int = 0) -> str:
    """One item of a job's script, its own or inherited."""
    configuration = render()
    while "script" not in configuration[job]:
        job = configuration[job]["extends"]
    return str(configuration[job]["script"][item])


def scripts() -> dict[str, str]:
    """Every script of more than a line, by where it is."""
    found = {}
    for job, body in render().items():
        for key in ("before_script", "script", "after_script"):
            for index, item in enumerate(body.get(key, []) if isinstance(body, dict) else []):
                if "\n" in item:
                    found[f"{job.lstrip('.')}:{key}:{index}"] = item
    return found


def _merged(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    both = {key for key in high if isinstance(low.get(key), dict) and isinstance(high[key], dict)}
    return {**low, **high, **{key: _merged(low[key], high[key]) for key in both}}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
