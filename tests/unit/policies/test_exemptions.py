"""Exemptions: what makes one wrong, and what one that is right does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.exemptions import load_exemptions, resource_of
from policies.pack import RULES
from policies.rules import service_no_node_port
from tests.unit.policies.battery import HERE, TODAY, violations
from tests.unit.policies.exemption_samples import RIGHT, exemption, with_exemptions
from tests.unit.policies.exemption_samples import RULES as KNOWN
from tests.unit.policies.samples import SERVICE, having

SERVICE_TYPE = "kubernetes:core/v1:Service"
NODE_PORT = having(SERVICE, {"spec type": "NodePort"})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        *(({key: None}, f"it has no {key}") for key in RIGHT),
        ({"reason": "  "}, "it has no reason"),
        ({"reason": "because"}, "'because' explains nothing"),
        ({"rule": "no-such-rule"}, "there is no rule 'no-such-rule'"),
        ({"expires": date(2026, 11, 24)}, "it expired on 2026-11-24"),
        ({"expires": date(2028, 1, 1)}, "it lasts until 2028-01-01, more than 365 days"),
        ({"expires": "next year"}, "expires is no date"),
        ({"until": "2027"}, "unknown key 'until'"),
    ],
)
def test_a_wrong_exemption_is_reported_and_exempts_nothing(change: dict[str, Any], fault: str) -> None:
    wrong = exemption(**change)
    assert any(fault in each for each in wrong.faults(TODAY, KNOWN))
    assert violations(service_no_node_port.RULE, SERVICE_TYPE, NODE_PORT, here=with_exemptions(wrong)) != []


def test_an_exemption_holds_on_its_last_day_and_for_at_most_a_year() -> None:
    assert list(exemption(expires=TODAY).faults(TODAY, KNOWN)) == []
    assert list(exemption(expires=date(2027, 11, 25)).faults(TODAY, KNOWN)) == []


def test_a_right_exemption_lets_its_resource_break_its_rule() -> None:
    assert violations(service_no_node_port.RULE, SERVICE_TYPE, NODE_PORT, here=with_exemptions(exemption())) == []


@pytest.mark.parametrize(
    "change",
    [
        {"stack": "prod"},
        {"resource": f"{SERVICE_TYPE}::other"},
        {"resource": "kubernetes:core/v1:Pod::subject"},
        {"resource": "*"},
    ],
)
def test_it_lets_nothing_else(change: dict[str, Any]) -> None:
    here = with_exemptions(exemption(**change))
    assert violations(service_no_node_port.RULE, SERVICE_TYPE, NODE_PORT, here=here) != []


def test_a_resource_is_known_by_type_and_name_whatever_its_parents_are() -> None:
    urn = "urn:pulumi:dev::bighpc::bighpc:test:A$bighpc:test:B$kubernetes:core/v1:Service::a::b"
    assert resource_of(urn) == "kubernetes:core/v1:Service::a::b"


def test_a_file_without_entries_is_right(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.yaml"
    path.write_text("# none\n")
    assert load_exemptions(path) == []


@pytest.mark.parametrize(("text", "reason"), [("a: b", "is no list"), ("- a", "is no list"), ("[", "is no YAML")])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "exemptions.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        load_exemptions(path)


def test_the_exemptions_of_the_repository_are_right() -> None:
    names = frozenset(rule.name for rule in RULES)
    faults = [fault for each in load_exemptions() for fault in each.faults(HERE.today, names)]
    assert faults == []
