from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import invariants
from components.vocabulary import PodSecurity, Visibility


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.INTERNAL])
def test_a_limited_visibility_is_no_violation(visibility: Visibility) -> None:
    assert invariants.visibility_is_limited("project x", visibility) == []


def test_public_is_a_violation_that_names_subject_value_and_remedy() -> None:
    (violation,) = invariants.visibility_is_limited("project x", Visibility.PUBLIC)
    assert str(violation) == (
        "project x: its visibility is 'public'. Groups and projects of the platform are private or internal. "
        "Set the visibility to private or internal."
    )


@given(st.text())
def test_only_two_pod_security_levels_are_good_enough(level: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    good = invariants.namespace_enforces_pod_security("namespace x", labels) == []
    assert good == (level in {PodSecurity.BASELINE, PodSecurity.RESTRICTED})


@given(st.lists(st.text(alphabet="a*/", min_size=1)))
def test_an_app_project_has_one_violation_per_wildcard(sources: list[str]) -> None:
    found = invariants.app_project_is_exact("project x", sources, [])
    assert len(found) == sum("*" in source for source in sources)


def test_everything_that_is_broken_is_raised_at_once() -> None:
    with pytest.raises(invariants.InvariantError) as refusal:
        invariants.require(
            invariants.visibility_is_limited("group a", "public"),
            invariants.branch_refuses_force_push("branch b", True),
        )
    assert [violation.subject for violation in refusal.value.violations] == ["group a", "branch b"]


def test_nothing_is_raised_when_nothing_is_broken() -> None:
    invariants.require([], [])
