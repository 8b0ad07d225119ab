"""The digest of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.promote.digest import digest
from gitops.pulumi.plan import read_plan
from tests.unit.gitops.review.events import SECRET, step

CREATE = step("create", "a", new={"size": 1, "token": SECRET})
UPDATE = step("update", "b", old={"size": 1}, new={"size": 2}, diff={"size": "update"})


def of(*events: dict[str, Any], seconds: float = 1.0) -> str:
    """The digest of a plan with these steps."""
    return digest(read_plan("dev", events, seconds))


def test_order_duration_and_what_stays_do_not_count() -> None:
    same = step("same", "c", old={}, new={})
    assert of(CREATE, UPDATE) == of(UPDATE, same, CREATE, seconds=9.0)
    assert len(of()) == 64


@pytest.mark.parametrize(
    "other",
    [
        step("create", "a", new={"size": 2, "token": SECRET}),
        step("create", "z", new={"size": 1, "token": SECRET}),
        step("delete", "a", old={"size": 1, "token": SECRET}),
    ],
)
def test_what_would_be_done_counts(other: dict[str, Any]) -> None:
    assert of(other, UPDATE) != of(CREATE, UPDATE)
