"""Every malformed configuration is refused with value, rule and remedy, before any resource exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.problems import ConfigurationError
from stacks.start import prepare
from tests.conftest import Recorder
from tests.unit.stacks.cases import cases, check_problems, prepared, read_case


@pytest.mark.parametrize("path", cases("error"))
def test_a_malformed_configuration_is_refused_with_value_rule_and_remedy(
    path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = read_case(path)
    with prepared(case, recorder, monkeypatch, tmp_path), pytest.raises(ConfigurationError) as refusal:
        prepare()
    check_problems(case, refusal.value)
    assert recorder.resources == [], "nothing is declared before everything is checked"


@pytest.mark.parametrize("path", cases("happy"))
def test_a_good_configuration_is_accepted(
    path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = read_case(path)
    with prepared(case, recorder, monkeypatch, tmp_path):
        settings, fleet, findings = prepare()
    seen = {
        "settings": settings.stack.model_dump(mode="json", by_alias=True),
        "applications": sorted(fleet.applications),
        "projects": sorted(fleet.projects),
        "cluster": findings.cluster,
        "repository": findings.forge.repository_id,
    }
    for dotted, expected in case.expect.items():
        value = seen
        for part in dotted.split("."):
            value = value[part]  # type: ignore[assignment]
        assert value == expected, dotted


def test_there_are_at_least_forty_malformed_configurations() -> None:
    assert len(cases("error")) >= 40
