"""Every malformed specification of a cluster is refused with value, rule and remedy, before anything is changed.

The files are ``tests/data/clusters/<part>.error.<mistake>.yaml``, see `tests.unit.stacks.cases`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest
import yaml

from stacks.batch.files import read_batch
from stacks.environments import Environment
from stacks.problems import ConfigurationError
from stacks.settings import stack_file
from stacks.start import prepare
from tests.conftest import Recorder
from tests.unit.stacks.cases import Case, cases, check_problems, prepared, read_case

MALFORMED: Final = cases("error", "clusters")
KINDS: Final = {
    "application path",
    "chart version",
    "dependency on itself",
    "name over its limit",
    "port named twice",
    "quantity",
    "quota below requests",
    "selector without profile",
    "unknown queue",
}
"""Kinds of mistakes of which there is at least one example."""


@pytest.mark.parametrize("path", MALFORMED)
def test_a_malformed_cluster_is_refused_with_value_rule_and_remedy(
    path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = read_case(path)
    with prepared(case, recorder, monkeypatch, tmp_path), pytest.raises(ConfigurationError) as refusal:
        run(case, tmp_path)
    check_problems(case, refusal.value)
    assert recorder.resources == [], "nothing is declared before everything is checked"


def run(case: Case, scratch: Path) -> None:
    """Do with a case what the program, or for a batch job ``bighpc workloads``, does with it first."""
    if case.workload is None:
        prepare()
        return
    environment = Environment(case.stack)
    (scratch / stack_file(case.stack)).write_text(yaml.safe_dump({"config": case.config}))
    (scratch / "job.yaml").write_text(yaml.safe_dump(case.workload))
    read_batch(scratch / "job.yaml", environment, scratch)


def test_there_are_a_hundred_malformed_clusters_and_some_of_each_kind() -> None:
    assert len(MALFORMED) >= 100
    assert {read_case(parameter.values[0]).kind for parameter in MALFORMED} - {None} == KINDS


def test_no_two_malformed_clusters_are_the_same_mistake() -> None:
    rules: Counter[str] = Counter()
    mistakes: Counter[frozenset[tuple[str, str]]] = Counter()
    for parameter in MALFORMED:
        expected = read_case(parameter.values[0]).expect
        rules.update({each["rule"] for each in expected})
        mistakes[frozenset((each["where"], each["rule"]) for each in expected)] += 1
    assert {rule: many for rule, many in rules.items() if many > 3} == {}, "a rule is shown on three fields at most"
    assert {mistake: many for mistake, many in mistakes.items() if many > 1} == {}
