from __future__ import annotations

import pytest

from stacks.identity import Identities, forge_identity, guard
from stacks.problems import ConfigurationError
from stacks.settings import MoveSettings

HERE = Identities(cluster="one", gitlab="gitlab.example/bighpc#3@2026-11-24T00:00:00.000+00:00")


def test_an_instance_is_its_host_and_when_it_made_the_group() -> None:
    assert forge_identity("gitlab.example", "bighpc", (3, "2026-11-24T01:00:00.123Z")) == (
        "gitlab.example/bighpc#3@2026-11-24T01:00:00.123+00:00"
    )


def test_the_time_zone_in_which_an_instance_answers_makes_no_difference() -> None:
    there = forge_identity("gitlab.example", "bighpc", (3, "2026-11-24T02:00:00.123+01:00"))
    assert there == forge_identity("gitlab.example", "bighpc", (3, "2026-11-24T01:00:00.123Z"))


def test_before_the_group_there_is_only_the_host() -> None:
    assert forge_identity("gitlab.example", "bighpc", None) == "gitlab.example/bighpc#none"


def test_the_first_run_goes_anywhere() -> None:
    guard(Identities(), HERE, MoveSettings())


def test_the_same_systems_are_accepted() -> None:
    guard(HERE, HERE, MoveSettings())


def test_an_announced_move_is_accepted_for_that_system_alone() -> None:
    other = Identities(cluster="zero", gitlab="old.example/bighpc#3@2026-11-24T00:00:00.000+00:00")
    with pytest.raises(ConfigurationError) as refusal:
        guard(other, HERE, MoveSettings(cluster="one"))
    (problem,) = refusal.value.problems
    assert problem.where == "the GitLab instance"


def test_a_group_that_is_gone_is_another_instance() -> None:
    gone = Identities(cluster="one", gitlab="gitlab.example/bighpc#none")
    with pytest.raises(ConfigurationError, match="#none"):
        guard(HERE, gone, MoveSettings())
