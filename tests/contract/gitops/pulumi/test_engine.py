"""Running the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import CommandError
from gitops.pulumi import engine as runs
from tests.contract.gitops.fake_engine import FakeEngine
from tests.unit.gitops.review.events import step


def test_the_event_log_becomes_the_plan_and_progress_is_told(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("preview", "dev", events=[step("create", "a", new={}), step("same", "b", old={}, new={})])
    told: list[str] = []
    plan = runs.run(runs.preview("dev", tmp_path, tmp_path, 30), told.append)
    assert (plan.counts["create"], plan.counts["unchanged"], plan.errors) == (1, 1, ())
    assert told


def test_a_failure_without_a_diagnostic_is_told_with_the_end_of_the_log(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("preview", "dev", err="error: passphrase must be set", code=255)
    plan = runs.run(runs.preview("dev", tmp_path, tmp_path, 30), lambda _: None)
    assert plan.errors == ("pulumi ended with code 255:\nerror: passphrase must be set",)


def test_reality_is_looked_at_and_not_recorded(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("refresh", "dev")
    runs.run(runs.refresh_preview("dev", tmp_path, tmp_path, 30), lambda _: None)
    [call] = engine.calls
    assert "--preview-only" in call
    assert "--yes" not in call


def test_policies_are_asked_only_when_wanted(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("preview", "dev")
    for policies in (True, False):
        runs.run(runs.preview("dev", tmp_path, tmp_path, 30, policies=policies), lambda _: None)
    assert ["--policy-pack" in call for call in engine.calls] == [True, False]


def test_a_missing_engine_is_told_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="pulumi is not on PATH"):
        runs.run(runs.preview("dev", tmp_path, tmp_path, 30), lambda _: None)
