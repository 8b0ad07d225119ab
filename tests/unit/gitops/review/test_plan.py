"""Reading the engine's event log."""

from __future__ import annotations

from gitops.pulumi.plan import PropertyChange, read_plan
from tests.unit.gitops.review.events import SECRET, error, step, violation

NOTHING = {"create": 0, "update": 0, "replace": 0, "delete": 0, "unchanged": 0}


def test_the_steps_of_the_engine_are_told_in_the_words_of_people() -> None:
    events = [
        step("create", "a", new={}),
        step("update", "b", old={}, new={}),
        step("create-replacement", "c", old={}, new={}),
        step("replace", "c", old={}, new={}),
        step("delete-replaced", "c", old={}),
        step("delete", "d", old={}),
        step("same", "e", old={}, new={}),
        step("read", "f", new={}),
        step("same", "stack", "pulumi:pulumi:Stack", old={}, new={}),
    ]
    plan = read_plan("prod", events, 1.0)
    assert plan.counts == {"create": 1, "update": 1, "replace": 1, "delete": 1, "unchanged": 1}
    assert not plan.failed
    assert not plan.empty


def test_a_stack_in_which_everything_stays_is_empty() -> None:
    assert read_plan("prod", [step("same", old={}, new={})], 1.0).empty
    assert read_plan("prod", [], 1.0).empty


def test_properties_are_found_at_the_paths_that_the_engine_writes() -> None:
    old = {"spec": {"ports": [{"port": 80}]}, "labels": {"app.kubernetes.io/name": "x"}, "gone": 1}
    new = {"spec": {"ports": [{"port": 81}]}, "labels": {"app.kubernetes.io/name": "y"}}
    paths = {
        "spec.ports[0].port": "update",
        'labels["app.kubernetes.io/name"]': "update-replace",
        "gone": "delete",
        "spec.ports[7].port": "add",
    }
    [change] = read_plan("prod", [step("update", old=old, new=new, diff=paths)], 1.0).changes
    assert change.properties == (
        PropertyChange(path="gone", kind="delete", replaces=False, old=1, new=None),
        PropertyChange(path='labels["app.kubernetes.io/name"]', kind="update", replaces=True, old="x", new="y"),
        PropertyChange(path="spec.ports[0].port", kind="update", replaces=False, old=80, new=81),
        PropertyChange(path="spec.ports[7].port", kind="add", replaces=False, old=None, new=None),
    )


def test_without_a_detailed_difference_the_changed_properties_are_compared() -> None:
    event = step(
        "replace", old={"path": "a", "x": 1}, new={"path": "b", "y": 2}, diffs=["path", "x", "y"], keys=["path"]
    )
    [change] = read_plan("prod", [event], 1.0).changes
    assert [(each.path, each.kind, each.replaces) for each in change.properties] == [
        ("path", "update", True),
        ("x", "delete", False),
        ("y", "add", False),
    ]


def test_no_secret_gets_into_the_plan_whatever_is_below_it() -> None:
    old = {"token": SECRET, "nested": [{"value": SECRET}]}
    new = {"token": SECRET, "nested": [{"value": SECRET}], "unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}
    plan = read_plan(
        "prod", [step("update", old=old, new=new, diff={"token.part": "update", "nested[0].value": "update"})], 1
    )
    assert "CANARY" not in repr(plan)
    [change] = plan.changes
    assert {each.old for each in change.properties} == {"[secret]"}
    assert change.new["unknown"] == "[unknown]"


def test_a_mandatory_violation_fails_the_plan_and_an_advisory_one_does_not() -> None:
    plan = read_plan("prod", [violation("advisory")], 1.0)
    assert not plan.failed
    assert plan.verdicts[0].message == "It must be private.", "without the engine's colours"
    assert read_plan("prod", [violation()], 1.0).failed


def test_a_violation_that_is_reported_twice_counts_once() -> None:
    assert len(read_plan("prod", [violation(), violation()], 1.0).verdicts) == 1


def test_errors_of_the_engine_fail_the_plan_with_their_own_words() -> None:
    plan = read_plan("prod", [error("no such group"), error("no such group")], 1.0, "pulumi ended with code 255")
    assert plan.errors == ("no such group",)
    assert plan.failed


def test_an_engine_that_fails_without_a_word_is_explained_by_its_log() -> None:
    assert read_plan("prod", [], 1.0, "pulumi ended with code 255:\nboom").errors == (
        "pulumi ended with code 255:\nboom",
    )


def test_the_code_of_an_engine_that_a_policy_stopped_is_no_failure_of_its_own() -> None:
    assert read_plan("prod", [violation()], 1.0, "pulumi ended with code 255").errors == ()


def test_what_the_engine_says_of_a_policy_that_stopped_it_is_no_error_of_its_own() -> None:
    assert read_plan("prod", [violation(), error("preview failed")], 1.0).errors == ()
    assert read_plan("prod", [violation(), error("no such group")], 1.0).errors == ("no such group",)
    assert read_plan("prod", [error("preview failed")], 1.0).errors == ("preview failed",)


def test_what_a_refresh_finds_counts_until_the_engine_says_what_it_would_do() -> None:
    found = step("update", old={"a": 1}, new={"a": 2}, diff={"a": "update"})["resourcePreEvent"]
    gone = step("delete", "gone", old={"a": 1})["resourcePreEvent"]
    refresh = [
        step("refresh", old={}, new={}),
        step("refresh", "gone", old={}, new={}),
        {"resOutputsEvent": found},
        {"resOutputsEvent": gone},
    ]
    assert read_plan("dev", refresh, 1.0).counts == {**NOTHING, "update": 1, "delete": 1}
    then = [step("same", old={"a": 2}, new={"a": 2}), step("create", "gone", new={"a": 1})]
    assert read_plan("dev", [*refresh, *then], 1.0).counts == {**NOTHING, "unchanged": 1, "create": 1}
