"""How a testbed runs the platform's stacks, with an engine that says what the test wants."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from testbed import stacks
from testbed.errors import UserError


def engine(directory: Path, *lines: str, code: int = 0) -> dict[str, str]:
    """An environment whose `pulumi` prints these lines."""
    output = directory / "output"
    output.write_text("".join(f"{line}\n" for line in lines))
    program = directory / "pulumi"
    program.write_text(f"#!/bin/sh\ncat {output}\nexit {code}\n")
    program.chmod(0o755)
    os.environ["PATH"] = f"{directory}:{os.environ['PATH']}"
    return dict(os.environ)


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])


def step(operation: str, kind: str) -> str:
    urn = f"urn:pulumi:prod::bighpc::{kind}::thing"
    return json.dumps({"resourcePreEvent": {"metadata": {"op": operation, "type": kind, "urn": urn}}})


@pytest.mark.parametrize(
    ("steps", "changed"),
    [
        ([], False),
        ([step("same", "gitlab:index/project:Project")], False),
        ([step("update", "kubernetes:core/v1:ConfigMap")], False),
        ([step("update", "gitlab:index/project:Project"), step("same", "gitlab:index/group:Group")], True),
    ],
)
def test_a_stack_says_whether_it_changed_the_forge(tmp_path: Path, steps: list[str], changed: bool) -> None:
    told: list[str] = []
    assert stacks.up("prod", engine(tmp_path, *steps), tmp_path, told.append) is changed
    assert [line.split()[0] for line in told] == ["update" for each in steps if '"update"' in each]


def test_a_failed_stack_is_told_in_the_engines_words(tmp_path: Path) -> None:
    complaint = json.dumps({"diagnosticEvent": {"severity": "error", "message": "no such group"}})
    with pytest.raises(UserError, match="pulumi up --stack dev failed:\nno such group"):
        stacks.up("dev", engine(tmp_path, complaint, code=1), tmp_path, print)


@pytest.mark.parametrize(
    ("listed", "settled"),
    [
        ({"dev": 61, "preview": 54, "prod": 187}, True),
        ({"dev": None, "preview": 54, "prod": 187}, False),
        ({"preview": 54, "prod": 187}, False),
        ({}, False),
    ],
)
def test_stacks_that_were_all_up_before_are_told_from_new_ones(
    tmp_path: Path, listed: dict[str, int | None], settled: bool
) -> None:
    line = json.dumps([{"name": name, "resourceCount": count} for name, count in listed.items()])
    assert stacks.create_missing(engine(tmp_path, line)) is settled
