"""The issue of a stack, on the double."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gitlab.v4.objects import Project, ProjectIssue

from gitops.drift.finding import Cause, Finding, StackDrift
from gitops.drift.issue import keep_issue
from gitops.errors import CommandError

LABEL = Finding(cause=Cause.UNDECLARED, type="group label", name="urgent", where="group bighpc")
QUOTA = Finding(cause=Cause.DELETED, type="ResourceQuota", name="quota", urn="urn:pulumi:dev::bighpc::a:b:C::quota")
DRIFTED = StackDrift(stack="dev", findings=(LABEL,), errors=(), seconds=1.0)
CLEAN = replace(DRIFTED, findings=())


def issues(project: Project) -> list[ProjectIssue]:
    """All issues, open or closed."""
    return [each for each in project.issues.list(get_all=True) if isinstance(each, ProjectIssue)]


def test_an_issue_is_opened_updated_closed_and_opened_again(project: Project) -> None:
    assert str(keep_issue(project, DRIFTED, propose=False)).startswith("opened http")
    [issue] = issues(project)
    assert (issue.title, issue.state, issue.confidential) == ("Drift of stack dev", "opened", True)
    assert "**group label** urgent in group bighpc" in issue.description

    assert str(keep_issue(project, replace(DRIFTED, findings=(LABEL, QUOTA)), propose=False)).startswith("updated ")
    assert "ResourceQuota" in issues(project)[0].description

    assert str(keep_issue(project, CLEAN, propose=False)).startswith("closed ")
    assert [each.state for each in issues(project)] == ["closed"]
    assert keep_issue(project, CLEAN, propose=False) is None

    assert str(keep_issue(project, DRIFTED, propose=False)).startswith("opened again ")
    [again] = issues(project)
    assert (again.iid, again.state) == (issue.iid, "opened")
    assert "ResourceQuota" not in again.description


def test_the_same_drift_is_not_told_twice(project: Project) -> None:
    keep_issue(project, DRIFTED, propose=False)
    before = issues(project)[0].updated_at
    assert str(keep_issue(project, replace(DRIFTED, seconds=99.0), propose=False)).startswith("told already at ")
    assert issues(project)[0].updated_at == before


def test_each_stack_has_an_issue_of_its_own(project: Project) -> None:
    keep_issue(project, DRIFTED, propose=False)
    keep_issue(project, replace(DRIFTED, stack="dev-2"), propose=False)
    assert sorted(each.title for each in issues(project)) == ["Drift of stack dev", "Drift of stack dev-2"]
    keep_issue(project, CLEAN, propose=False)
    assert {each.title: each.state for each in issues(project)}["Drift of stack dev-2"] == "opened"


def test_an_issue_of_people_with_that_title_is_left_alone(project: Project) -> None:
    theirs = project.issues.create({"title": "Drift of stack dev", "description": "What is this?"})
    keep_issue(project, DRIFTED, propose=False)
    keep_issue(project, CLEAN, propose=False)
    assert project.issues.get(theirs.iid).state == "opened"


def test_nothing_is_closed_when_something_could_not_be_told(project: Project) -> None:
    keep_issue(project, DRIFTED, propose=False)
    assert keep_issue(project, replace(CLEAN, errors=("the cluster does not answer",)), propose=False) is None
    assert [each.state for each in issues(project)] == ["opened"]


def test_proposals_are_one_comment(project: Project) -> None:
    keep_issue(project, DRIFTED, propose=True)
    keep_issue(project, replace(DRIFTED, findings=(QUOTA,)), propose=True)
    [issue] = issues(project)
    [note] = issue.notes.list(get_all=True, system=False)
    assert "pulumi up --stack dev --refresh --target urn:pulumi:dev::bighpc::a:b:C::quota" in note.body
    assert "urgent" not in note.body


def test_a_refusal_is_told_with_a_remedy(project: Project) -> None:
    project.delete()
    with pytest.raises(CommandError, match="issue of stack dev") as caught:
        keep_issue(project, DRIFTED, propose=False)
    assert "Reporter" in caught.value.remedy
