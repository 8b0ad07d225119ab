"""The measurement itself, with a stand-in for the engine."""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from bench.preview import Contender, measure, ratio

SALTED = "config:\n  a:b: c\nencryptionsalt: v1:other-machine\n"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``pulumi`` that logs its arguments and answers with the steps in a file beside the program."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    log = tmp_path / "log"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >>{log}\n'
        'while [ "$1" != --cwd ] && [ $# -gt 1 ]; do shift; done\n'
        '[ -f "$2/steps.json" ] && cat "$2/steps.json"\n'
        "exit 0\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


def contender(root: Path, name: str, *types: str) -> Contender:
    directory = root / f"{name}-program"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (directory / "Pulumi.dev.yaml").write_text(SALTED)
    steps = [{"urn": f"urn:pulumi:dev::{name}::bighpc:x:Y${each}::r{index}"} for index, each in enumerate(types)]
    (directory / "steps.json").write_text(json.dumps({"steps": steps}))
    return Contender(name, directory, "dev")


def test_runs_take_turns_and_the_first_one_does_not_count(tmp_path: Path, engine: Path) -> None:
    both = [contender(tmp_path, "one", "a:b:C"), contender(tmp_path, "two", "a:b:C")]
    measure(both, 2, Console(file=io.StringIO()))
    assert [len(each.seconds) for each in both] == [2, 2]
    previews = [line.split("--cwd ")[1].split("-program")[0][-3:] for line in engine.read_text().splitlines()[2:]]
    assert previews == ["one", "two"] * 3


def test_what_only_structures_a_program_is_not_compared(tmp_path: Path, engine: Path) -> None:
    both = [
        contender(tmp_path, "one", "a:b:C", "bighpc:gitlab:Group", "pulumi:pulumi:Stack"),
        contender(tmp_path, "two", "a:b:C"),
    ]
    measure(both, 1, Console(file=io.StringIO()))
    assert both[0].resources == Counter({"a:b:C": 1})


def test_programs_that_declare_different_resources_are_not_compared(tmp_path: Path, engine: Path) -> None:
    both = [contender(tmp_path, "one", "a:b:C", "a:b:D"), contender(tmp_path, "two", "a:b:C")]
    with pytest.raises(ValueError, match="a:b:D"):
        measure(both, 1, Console(file=io.StringIO()))


def test_the_checkouts_stack_file_is_read_without_its_salt_and_never_written(tmp_path: Path, engine: Path) -> None:
    one = contender(tmp_path, "one", "a:b:C")
    measure([one], 1, Console(file=io.StringIO()))
    assert (one.directory / "Pulumi.dev.yaml").read_text() == SALTED
    assert "--config-file" in engine.read_text()


def test_the_ratio_is_that_of_the_medians() -> None:
    slow = Contender("slow", Path(), "dev", seconds=[1.0, 3.0, 30.0])
    fast = Contender("fast", Path(), "dev", seconds=[2.0, 2.0, 2.0])
    assert ratio(slow, fast) == 1.5
