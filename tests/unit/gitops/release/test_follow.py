"""Following the operator, against one that does what it is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
from rich.console import Console

from gitops.errors import CommandError
from gitops.release import follow, stack_object
from gitops.release.follow import Follower, look
from gitops.release.outcome import Outcome
from gitops.release.stack_object import StackObject
from tests.unit.gitops.release.fake_operator import FakeOperator

OLD, NEW, NEWER = "0" * 40, "1" * 40, "2" * 40


@dataclass
class Followed:
    outcome: Outcome
    said: str


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> FakeOperator:
    """One whose environment runs the old commit."""
    monkeypatch.setattr(follow, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(follow, "_AGAIN_AFTER_S", 0)
    monkeypatch.setattr(stack_object, "_PAUSE_S", 0.01)
    made = FakeOperator()
    made.commit = OLD
    made.status = made.ready(OLD)
    return made


def run(
    operator: FakeOperator, may_replace: Callable[[str | None], bool] = lambda _: True, limit_s: float = 20
) -> Followed:
    out = io.StringIO()
    with operator.client() as client:
        follower = Follower(
            stack=StackObject(client, "dev", "pulumi-operator", operator.client),
            commit=NEW,
            may_replace=may_replace,
            console=Console(file=out, width=200),
            limit_s=limit_s,
        )
        return Followed(follower.run(), out.getvalue())


def test_a_commit_that_comes_up_is_released(operator: FakeOperator) -> None:
    before = operator.status
    operator.steps = [before, operator.processing(), operator.ready(NEW)]
    found = run(operator)
    assert found.outcome is Outcome.RELEASED
    assert operator.applied == [{"commit": NEW}], "nothing but the commit is ours"
    assert "StackProcessing: stack is being processed" in found.said


def test_what_was_ready_before_does_not_count(operator: FakeOperator) -> None:
    old = {**operator.ready(NEW), "observedReconcileRequest": "another"}
    operator.steps = [operator.ready(OLD), old, operator.failed(NEW, "no quota left")]
    assert run(operator).outcome is Outcome.FAILED


def test_a_failure_ends_with_the_operators_words(operator: FakeOperator) -> None:
    operator.steps = [operator.ready(OLD), operator.failed(NEW, "failed to run update:\nno quota left\n")]
    found = run(operator)
    assert found.outcome is Outcome.FAILED
    assert "no quota left" in found.said


def test_why_it_failed_is_told_although_the_next_attempt_has_begun(operator: FakeOperator) -> None:
    operator.events = [operator.failed(NEW, "no quota left"), operator.processing(state="failed")]
    found = run(operator)
    assert found.outcome is Outcome.FAILED
    assert "no quota left" in found.said


def test_what_may_pass_by_itself_is_waited_for(operator: FakeOperator) -> None:
    unreachable = operator.failed("", "unable to clone repo: connection refused")
    operator.steps = [operator.ready(OLD), unreachable, unreachable, operator.processing(), operator.ready(NEW)]
    assert run(operator).outcome is Outcome.RELEASED


def test_what_the_operator_does_not_try_again_is_a_failure(operator: FakeOperator) -> None:
    operator.steps = [operator.ready(OLD), operator.failed("", "no such secret", "Stalled", "SourceUnavailable")]
    found = run(operator)
    assert found.outcome is Outcome.FAILED
    assert "no such secret" in found.said


def test_somebody_elses_update_is_waited_for(operator: FakeOperator) -> None:
    conflict = operator.failed(OLD, "conflict with concurrent update", "Stalled", "UpdateConflict")
    operator.steps = [operator.ready(OLD), conflict, operator.processing(), operator.ready(NEW)]
    assert run(operator).outcome is Outcome.RELEASED
    assert len(operator.applied) == 2, "the operator is asked again, as it does not try again by itself"


def test_of_two_pipelines_the_one_with_the_newer_commit_gets_its_way(operator: FakeOperator) -> None:
    operator.taken_by = NEWER
    found = run(operator, may_replace=lambda present: present != NEWER)
    assert found.outcome is Outcome.OUTDATED
    assert operator.applied == [], "the environment is not moved back"


@pytest.mark.parametrize("ran", [False, True])
def test_a_newer_commit_after_ours_ends_the_wait(operator: FakeOperator, ran: bool) -> None:
    with operator.client() as client:
        stack = StackObject(client, "dev", "pulumi-operator", operator.client)
        apply = stack.set_commit

        def then_newer(commit: str, request: str, version: str) -> str:
            known = apply(commit, request, version)
            operator.steps = [{**(operator.ready(NEW) if ran else operator.processing())}]
            operator.commit = NEWER
            return known

        stack.set_commit = then_newer  # type: ignore[method-assign] # the moment in which another pipeline comes
        follower = Follower(
            stack=stack, commit=NEW, may_replace=lambda _: True, console=Console(file=io.StringIO()), limit_s=20
        )
        assert follower.run() is (Outcome.RELEASED if ran else Outcome.OUTDATED)


def test_a_cluster_that_does_not_answer_for_a_while_is_endured(operator: FakeOperator) -> None:
    operator.steps = [
        httpx2.ConnectError("connection refused"),
        operator.ready(OLD),
        503,
        httpx2.ReadTimeout("timed out"),
        operator.ready(NEW),
    ]
    found = run(operator)
    assert found.outcome is Outcome.RELEASED
    assert "the cluster does not answer: connection refused" in found.said


def test_an_account_without_the_right_is_told_which_one_has_it(operator: FakeOperator) -> None:
    operator.refuses = True
    with pytest.raises(CommandError) as refused:
        run(operator)
    assert "forbidden" in refused.value.reason
    assert "agent" in refused.value.remedy


def test_an_operator_that_does_not_end_is_given_up_with_what_it_said_last(operator: FakeOperator) -> None:
    operator.status = operator.processing()
    found = run(operator, limit_s=0.2)
    assert found.outcome is Outcome.TIMED_OUT
    assert "stack is being processed" in found.said


def test_a_stack_that_is_not_there_is_brought_up_by_hand_first(operator: FakeOperator) -> None:
    operator.steps = [404]
    with operator.client() as client, pytest.raises(CommandError) as refused:
        look(StackObject(client, "dev", "pulumi-operator", operator.client))
    assert "there is no Stack object bighpc-dev in namespace pulumi-operator" in refused.value.reason
    assert "pulumi up" in refused.value.remedy


@pytest.mark.parametrize(("step", "words"), [(401, "refuses"), (httpx2.ConnectError("no route"), "does not answer")])
def test_a_cluster_out_of_reach_is_told_before_anything_is_done(
    operator: FakeOperator, step: Exception | int, words: str
) -> None:
    operator.steps = [step]
    with operator.client() as client, pytest.raises(CommandError, match=words):
        look(StackObject(client, "dev", "pulumi-operator", operator.client))
