"""Good and malformed configurations: files under ``tests/data``, run through everything before the first resource.

A case is a YAML file named ``<subject>.happy.yaml`` or ``<subject>.error.<reason>.yaml`` with the keys

- ``stack``: the stack's name, ``dev`` unless it says otherwise;
- ``config``: the configuration as in a stack file;
- ``environment``: environment variables;
- ``fleet``: files that replace those of the small fleet in ``tests/data/fleet``, or with null remove them;
- ``gitlab``, ``cluster``: ``unreachable``, or how the stand-in's answers differ; the environment repository has the
  ``directories`` of ``gitlab``;
- ``recorded``: the identity that an earlier run recorded;
- ``workload``: a batch job, which is then checked against the configuration instead of bringing the stack up;
- ``kind``: which kind of mistake a malformed specification of a cluster is an example of;
- ``expect``: per problem, what its place, value, rule and remedy contain; in a happy case, settings by path.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pulumi
import pytest
import yaml

from components.identity import IDENTITY_TYPE
from stacks.fleet import load_fleet
from stacks.problems import ConfigurationError
from tests.conftest import Recorder
from tests.unit.stacks.servers import closed_port, cluster_answers, gitlab_answers, serve

__all__ = ["VARIABLES", "Case", "cases", "check_problems", "prepared", "read_case"]

ROOT = Path(__file__).parents[2] / "data"
VARIABLES: Final = (
    "GITLAB_BASE_URL",
    "GITLAB_TOKEN",
    "KUBECONFIG",
    "BIGHPC_ARGOCD_WEBHOOK_URL",
    "BIGHPC_ARGOCD_WEBHOOK_SECRET",
    "BIGHPC_APPLICATIONS_URL",
)
"""What the program reads from the environment."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One configuration and what comes of it."""

    stack: str = "dev"
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    fleet: dict[str, str | None] = field(default_factory=dict)
    gitlab: Any = field(default_factory=dict)
    cluster: Any = field(default_factory=dict)
    recorded: dict[str, str] | None = None
    workload: dict[str, Any] | None = None
    kind: str | None = None
    expect: Any


def cases(kind: str, directory: str = ".") -> list[Any]:
    """Return the files of one kind in a directory below ``tests/data`` as pytest parameters."""
    paths = sorted((ROOT / directory).glob(f"*.{kind}*.yaml"))
    return [pytest.param(path, id=path.name.removesuffix(".yaml")) for path in paths]


def read_case(path: Path) -> Case:
    """Return the case that a file holds."""
    return Case(**yaml.safe_load(path.read_text()))


def check_problems(case: Case, error: ConfigurationError) -> None:
    """Assert that an error tells exactly what the case expects, and no secret."""
    problems = error.problems
    assert len(problems) == len(case.expect), f"as many problems as mistakes:\n{error}"
    for problem, expected in zip(problems, case.expect, strict=True):
        for part in ("where", "value", "rule", "remedy"):
            assert expected[part] in getattr(problem, part), f"{part} of:\n{problem}"
    for secret in ("glpat-test", "s3cret"):
        assert secret not in str(error)


@contextmanager
def prepared(case: Case, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, scratch: Path) -> Iterator[None]:
    """Bring about the circumstances of a case."""
    monkeypatch.setattr("stacks.start.load_fleet", partial(load_fleet, _fleet(case, scratch)))
    monkeypatch.setattr(pulumi, "get_stack", lambda: case.stack)
    recorder.recorded_outputs = {
        f"urn:pulumi:{case.stack}::bighpc::{IDENTITY_TYPE}::{system}": {
            "type": IDENTITY_TYPE,
            "outputs": {"value": value},
        }
        for system, value in (case.recorded or {}).items()
    }
    with ExitStack() as stack:
        environment = {
            "GITLAB_BASE_URL": _address(stack, case.gitlab, gitlab_answers) + "/api/v4/",
            "GITLAB_TOKEN": "glpat-test",
            "KUBECONFIG": str(_kubeconfig(scratch, _address(stack, case.cluster, cluster_answers))),
            **case.environment,
        }
        for variable, value in environment.items():
            if value:
                monkeypatch.setenv(variable, value)
        config = {key: value if isinstance(value, str) else json.dumps(value) for key, value in case.config.items()}
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
        yield


def _address(stack: ExitStack, change: Any, answers: Any) -> str:
    return closed_port() if change == "unreachable" else str(stack.enter_context(serve(answers(**change))))


def _fleet(case: Case, scratch: Path) -> Path:
    data = scratch / "stacks"
    shutil.copytree(ROOT / "fleet", data)
    for name, content in case.fleet.items():
        path = data / name
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return data


def _kubeconfig(scratch: Path, address: str) -> Path:
    path = scratch / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": address}}],
                "users": [{"name": "me", "user": {}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            }
        )
    )
    return path
