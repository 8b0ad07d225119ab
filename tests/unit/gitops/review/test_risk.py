"""What a reviewer must see first."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.pulumi.plan import read_plan
from gitops.review.risk import risks
from tests.unit.gitops.review.events import step


def reasons(*events: dict[str, Any]) -> list[str]:
    """The reasons, the worst first."""
    return [risk.reason for risk in risks(read_plan("prod", events, 1.0))]


def test_what_loses_data_comes_first_then_what_is_protected_then_the_rest() -> None:
    label = "gitlab:index/groupLabel:GroupLabel"
    found = reasons(
        step("delete", "bug", label, old={}),
        step("delete", "kept", label, old={}, protect=True),
        step("replace", "demo", old={"path": "a"}, new={"path": "b"}, diff={"path": "update-replace"}),
    )
    assert found == [
        "Project is deleted and made anew because of `path`: what it holds is lost",
        "GroupLabel is deleted, although it is protected",
        "GroupLabel is deleted",
    ]


def test_creating_and_updating_what_grants_nothing_is_no_risk() -> None:
    assert reasons(step("create", new={"visibilityLevel": "private"}), step("same", "b", old={}, new={})) == []
    assert (
        reasons(step("update", old={"description": "a"}, new={"description": "b"}, diff={"description": "update"}))
        == []
    )


WIDENED = [
    ("visibilityLevel", "private", "internal"),
    ("pushAccessLevel", "no one", "maintainer"),
    ("mergeAccessLevel", "maintainer", "developer"),
    ("accessLevel", "reporter", "owner"),
    ("allowForcePush", False, True),
    ("untagged", None, True),
    ("rules", [{"verbs": ["get"]}], [{"verbs": ["get"]}, {"verbs": ["*"]}]),
    ("scopes", ["read_api"], ["read_api", "api"]),
]


@pytest.mark.parametrize(("name", "narrow", "wide"), WIDENED)
def test_widening_is_told_and_narrowing_is_not(name: str, narrow: Any, wide: Any) -> None:
    assert reasons(step("update", old={name: narrow}, new={name: wide}, diff={name: "update"})) == [
        f"Project lets more people or programs do more: `{name}`"
    ]
    assert reasons(step("update", old={name: wide}, new={name: narrow}, diff={name: "update"})) == []


def test_a_verb_added_inside_a_rule_is_widening() -> None:
    old, new = {"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["get", "delete"]}]}
    path = "rules[0].verbs[1]"
    assert reasons(step("update", old=old, new=new, diff={path: "add"})) == [
        f"Project lets more people or programs do more: `{path}`"
    ]


def test_something_new_that_is_dangerous_by_itself_is_told() -> None:
    assert reasons(step("create", new={"allowForcePush": True})) == [
        "Project lets more people or programs do more: `allowForcePush`"
    ]
