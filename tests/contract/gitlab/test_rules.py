"""The pure parts: push rules, cron, nested parameters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from testbed.gitlab.core.cron import CronError, TimezoneError, next_time
from testbed.gitlab.core.params import nest
from testbed.gitlab.repositories.rules import ZERO, Change, PushPolicy, Rule, refusal

A, B = "a" * 40, "b" * 40
FROM = datetime(2026, 11, 24, 22, 20, 30, tzinfo=UTC)  # a Tuesday


def policy(*rules: Rule, maintainer: bool = False) -> PushPolicy:
    """A policy on default branch `main`."""
    return PushPolicy(default_branch="main", maintainer=maintainer, rules=rules)


def test_a_pattern_crosses_slashes_and_is_otherwise_literal() -> None:
    rule = Rule(kind="branch", pattern="release/*.x", push=True)
    assert rule.matches("release/a/1.x")
    assert not rule.matches("release/1yx")
    assert not rule.matches("a/release/1.x")


def test_a_policy_travels_as_json() -> None:
    sent = policy(Rule("branch", "main", push=True, force=True), maintainer=True)
    assert PushPolicy.from_json(sent.to_json()) == sent


@pytest.mark.parametrize(
    ("change", "forced", "begins"),
    [
        (Change(A, B, "refs/heads/free"), True, None),
        (Change(A, B, "refs/notes/x"), True, None),
        (Change(A, B, "refs/heads/prod"), False, "You are not allowed to push code to protected branches"),
        (Change(A, B, "refs/heads/prod"), True, "You are not allowed to force push"),
        (Change(ZERO, B, "refs/heads/prod"), False, "You are not allowed to create protected branches"),
        (Change(A, ZERO, "refs/heads/prod"), False, "You are not allowed to delete protected branches"),
        (Change(A, ZERO, "refs/heads/main"), False, "The default branch of a project cannot be deleted."),
        (Change(ZERO, B, f"refs/heads/{A}"), False, "You cannot create a branch with a 40-character hexadecimal"),
        (Change(ZERO, B, "refs/tags/v1"), False, "You are not allowed to create this tag"),
        (Change(A, B, "refs/tags/w1"), False, "You are not allowed to change existing tags"),
        (Change(ZERO, B, "refs/tags/w1"), False, None),
    ],
)
def test_a_developer_is_refused_what_protections_forbid(change: Change, forced: bool, begins: str | None) -> None:
    rules = policy(Rule("branch", "prod", push=False), Rule("tag", "v*", push=False))
    said = refusal(rules, change, lambda _: forced)
    assert (said is None) if begins is None else (said or "").startswith(begins)


def test_who_may_merge_creates_a_protected_branch_through_the_api_only() -> None:
    rules = policy(Rule("branch", "prod", push=False, merge=True))
    assert "web interface and API" in (refusal(rules, Change(ZERO, B, "refs/heads/prod"), lambda _: False) or "")
    assert refusal(rules, Change(ZERO, B, "refs/heads/prod", web=True), lambda _: False) is None


def test_a_protected_tag_is_never_moved() -> None:
    rules = policy(Rule("tag", "v*", push=True), maintainer=True)
    assert refusal(rules, Change(A, B, "refs/tags/v1"), lambda _: False) == "Protected tags cannot be updated."
    assert refusal(rules, Change(A, B, "refs/tags/w1"), lambda _: False) is None


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("* * * * *", "UTC", "2026-11-24T22:21"),
        ("30 2 * * *", "UTC", "2026-11-25T02:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-11-25T01:30"),
        ("*/20 23 * * *", "UTC", "2026-11-24T23:00"),
        ("0 12 * * mon-wed", "UTC", "2026-11-25T12:00"),
        ("0 0 1 jan *", "UTC", "2027-01-01T00:00"),
        ("0 0 13 * 5", "UTC", "2026-11-27T00:00"),
        ("0 0 * * 7", "UTC", "2026-11-29T00:00"),
        ("@monthly", "UTC", "2026-12-01T00:00"),
        ("0 0 29 2 *", "UTC", "2028-02-29T00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, zone: str, expected: str) -> None:
    assert next_time(schedule, zone, FROM).isoformat()[:16] == expected


@pytest.mark.parametrize(
    "schedule",
    ["", "* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *", "0 0 31 2 *"],
)
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(CronError):
        next_time(schedule, "UTC", FROM)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(TimezoneError):
        next_time("* * * * *", "Mars/Olympus", FROM)


def test_pairs_become_lists_and_mappings() -> None:
    pairs = [("a", "1"), ("list[]", "x"), ("list[]", "y"), ("filter[scope]", "*"), ("deep[a][b]", "z")]
    assert nest(pairs) == {"a": "1", "list": ["x", "y"], "filter": {"scope": "*"}, "deep": {"a": {"b": "z"}}}
