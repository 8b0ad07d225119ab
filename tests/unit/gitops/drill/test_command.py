"""The course of a drill, on ground that does what it is told."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gitops.drill.catalog import DRILLS, Drill, Kind, Moment
from gitops.drill.command import Report, run, steps_of
from gitops.errors import CommandError


class FakePlace:
    environment = "dev"


class FakeGround:
    """An environment of words."""

    def __init__(self, *, ends: str = "released", differs: list[list[str]] | None = None) -> None:
        self.place = FakePlace()
        self.done: list[str] = []
        self.head = "head"
        self.ends = ends
        self.differs = differs or []
        self.refusal: str | None = "GitLab: you are not allowed to force push"

    def differences(self) -> list[str]:
        return self.differs.pop(0) if self.differs else []

    def push(self, _change: Any, about: str) -> str:
        self.done.append(f"push {about}")
        return "a" * 40

    def revert(self, commit: str) -> str:
        self.done.append(f"revert {commit[:2]}")
        return "b" * 40

    def release(self, commit: str) -> str:
        self.done.append(f"release {commit[:2]}")
        return self.ends if commit[0] == "b" else "failed"

    def push_back(self) -> str | None:
        self.done.append("push back")
        return self.refusal


@pytest.fixture
def faults(tmp_path: Path) -> tuple[str, Callable[[], list[str]]]:
    """A command that makes faults, and what it was asked for."""
    asked = tmp_path / "asked"
    script = tmp_path / "fault"
    script.write_text(
        f"#!{sys.executable} -I\nimport sys\nopen({str(asked)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script), lambda: asked.read_text().splitlines() if asked.exists() else []


def drilled(drill: Drill, ground: Any, command: str | None = None) -> Report:
    return run(drill, ground, command, Console(file=StringIO()))


def test_what_is_wrong_is_released_reverted_and_released() -> None:
    ground = FakeGround()
    report = drilled(DRILLS["revert"], ground)
    assert ground.done == ["push a wrong value gets through", "release aa", "revert aa", "release bb"]
    assert report.restored
    assert report.time_to_detect_s is not None
    assert report.time_to_restore_s is not None
    told = json.loads(json.dumps(report.as_json()))
    assert list(told) == ["drill", "restored", "time_to_detect_s", "time_to_restore_s", "steps"]
    assert [each["name"] for each in told["steps"]] == [
        *("before", "push", "release", "revert", "release of the revert", "after"),
    ]


def test_a_drill_begins_only_where_everything_is_well() -> None:
    ground = FakeGround(differs=[["ConfigMap by-hand: declared by no program"]])
    with pytest.raises(CommandError, match="dev is not as its branch says: ConfigMap by-hand"):
        drilled(DRILLS["revert"], ground)
    assert ground.done == []


@pytest.mark.parametrize(
    "ground", [FakeGround(ends="failed"), FakeGround(differs=[[], ["ResourceQuota quota: changed by hand"]])]
)
def test_what_is_not_as_before_is_not_restored(ground: FakeGround) -> None:
    assert not drilled(DRILLS["revert"], ground).restored


@pytest.mark.parametrize("name", [each.name for each in DRILLS.values() if each.fault])
def test_a_fault_is_ended_whatever_happens(name: str, faults: tuple[str, Callable[[], list[str]]]) -> None:
    command, asked = faults
    drill = DRILLS[name]
    assert drill.fault is not None
    quick = Drill(name=name, about=drill.about, fault=type(drill.fault)(name=name, moment=drill.fault.moment))
    assert drilled(quick, FakeGround(), command).restored
    assert asked() == [f"{name} begin dev", f"{name} end dev"]

    class Broken(FakeGround):
        def release(self, commit: str) -> str:
            raise CommandError("the disk is full", "Make room.")

    ground = Broken()
    with pytest.raises(CommandError, match="the disk is full"):
        drilled(quick, ground, command)
    assert asked()[2:] == [f"{name} begin dev", f"{name} end dev"]
    assert ground.done[-1] == "revert aa", "no wrong commit stays at the head of the branch"


def test_a_drill_that_needs_a_fault_says_so_before_it_begins() -> None:
    ground = FakeGround()
    with pytest.raises(CommandError, match="there is no command that makes it"):
        drilled(DRILLS["operator-killed"], ground)
    assert ground.done == []


def test_a_fault_that_cannot_be_made_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        drilled(DRILLS["expired-token"], FakeGround(), str(tmp_path / "none"))
    with pytest.raises(CommandError, match="stale-lock begin dev cannot be made"):
        drilled(DRILLS["stale-lock"], FakeGround(), "false")


def test_of_two_pushes_both_are_released() -> None:
    ground = FakeGround()
    assert drilled(DRILLS["two-pushes"], ground).restored
    assert ground.done[:2] == ["push a change and its revert within a second", "revert aa"]
    assert sorted(ground.done[2:]) == ["release aa", "release bb"]


def test_a_branch_that_can_be_pushed_back_is_not_safe() -> None:
    ground = FakeGround()
    assert drilled(DRILLS["force-push"], ground).restored
    ground.refusal = None
    assert not drilled(DRILLS["force-push"], ground).restored


@pytest.mark.parametrize("drill", DRILLS.values(), ids=list(DRILLS))
def test_what_will_be_done_is_said_before(drill: Drill) -> None:
    steps = list(steps_of(drill, "preview"))
    assert steps[0] == steps[-1] == "see that nothing in preview differs from its branch"
    assert (drill.kind is Kind.FORCE_PUSH) == any("by force" in each for each in steps)
    if drill.fault:
        assert any(f"the fault {drill.fault.name}" in each for each in steps)
        assert (drill.fault.moment is Moment.DURING) == any("meanwhile" in each for each in steps)
