"""Approving merge requests, and the rules about it."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import commit_file, open_request, read
from tests.contract.gitlab.support import Double, Person, fresh, make_person, refused


@pytest.fixture
def developer(person: Person, project: Project) -> Person:
    """Somebody who works on the project."""
    project.members.create({"user_id": person.id, "access_level": 30})
    return person


def as_seen_by(person: Person, made: ProjectMergeRequest) -> ProjectMergeRequest:
    """A merge request through somebody else's client."""
    found = person.client.projects.get(made.project_id, lazy=True).mergerequests.get(made.iid)
    assert isinstance(found, ProjectMergeRequest)
    return found


def test_a_rule_is_made_read_changed_and_removed(project: Project, developer: Person) -> None:
    rule = project.approvalrules.create({"name": "two", "approvals_required": 2, "user_ids": [developer.id, 999_999]})
    assert [user["id"] for user in rule.users] == [user["id"] for user in rule.eligible_approvers] == [developer.id]
    rule.approvals_required = 1
    rule.save()
    assert project.approvalrules.get(rule.id).approvals_required == 1
    named = project.approvalrules.create({"name": "named", "approvals_required": 0, "usernames": [developer.username]})
    assert [user["id"] for user in named.users] == [developer.id]
    assert [each.name for each in project.approvalrules.list()] == ["two", "named"]
    rule.delete()
    with refused(404):
        project.approvalrules.get(rule.id)


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({"name": "x"}, 400, {"error": "approvals_required is missing"}),
        ({"name": "x", "approvals_required": -1}, 400, {"error": "approvals_required does not have a valid value"}),
        (
            {"name": "x", "approvals_required": 101},
            400,
            {"message": {"approvals_required": ["must be less than or equal to 100"]}},
        ),
        ({"name": "x", "approvals_required": 1, "protected_branch_ids": [999_999]}, 404, {"message": "404 Not Found"}),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(
    bot: gitlab.Gitlab, shared: Project, fields: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    with refused(status, body):
        bot.http_post(f"/projects/{shared.id}/approval_rules", post_data=fields)
    assert shared.approvalrules.list() == []


def test_names_and_the_rule_for_anybody_are_there_once(project: Project) -> None:
    project.approvalrules.create({"name": "one", "approvals_required": 1})
    with refused(400, {"message": {"name": ["has already been taken"]}}):
        project.approvalrules.create({"name": "one", "approvals_required": 1})
    anybody = {"name": "Any", "approvals_required": 1, "rule_type": "any_approver"}
    project.approvalrules.create(anybody)
    with refused(400):
        project.approvalrules.create({**anybody, "name": "Any other"})


def test_rules_and_settings_are_for_maintainers(project: Project, developer: Person, double: Double) -> None:
    theirs = developer.client.projects.get(project.id, lazy=True)
    assert theirs.approvalrules.list() == []
    with refused(403):
        theirs.approvalrules.create({"name": "x", "approvals_required": 0})
    with refused(403):
        theirs.approvals.update(new_data={"reset_approvals_on_push": False})
    with refused(401):
        double.client().http_get(f"/projects/{project.id}/approvals")


def test_settings_are_read_and_changed(project: Project) -> None:
    settings = project.approvals.get()
    assert (settings.reset_approvals_on_push, settings.merge_requests_author_approval) == (True, False)
    project.approvals.update(new_data={"reset_approvals_on_push": False, "approvals_before_merge": 1})
    settings = project.approvals.get()
    assert (settings.reset_approvals_on_push, settings.approvals_before_merge) == (False, 1)


def test_a_merge_waits_for_its_approval(project: Project, developer: Person) -> None:
    project.approvalrules.create({"name": "Reviewers", "approvals_required": 1, "user_ids": [developer.id]})
    made = open_request(project)
    assert made.detailed_merge_status == "not_approved"
    with refused(405, {"message": "405 Method Not Allowed"}):
        made.merge()
    state = made.approvals.get()
    assert (state.approved, state.approvals_required, state.approvals_left) == (False, 1, 1)
    assert [rule["name"] for rule in state.approval_rules_left] == ["Reviewers"]
    theirs = as_seen_by(developer, made)
    assert theirs.approve(made.sha)["approved"]
    state = theirs.approvals.get()
    assert (state.user_has_approved, state.user_can_approve) == (True, False)
    assert [each["user"]["id"] for each in state.approved_by] == [developer.id]
    (rule,) = made.approval_state.get().rules
    assert (rule["approved"], [user["id"] for user in rule["approved_by"]]) == (True, [developer.id])
    assert "approved this merge request" in [note.body for note in made.notes.list()]
    made.merge()
    assert made.state == "merged"


def test_an_approval_of_somebody_else_does_not_fulfil_a_rule(
    project: Project, developer: Person, double: Double, root: gitlab.Gitlab
) -> None:
    other = make_person(double, root)
    project.members.create({"user_id": other.id, "access_level": 30})
    project.approvalrules.create({"name": "Reviewers", "approvals_required": 1, "user_ids": [developer.id]})
    made = open_request(project)
    assert not as_seen_by(other, made).approve()["approved"]


def test_an_approval_is_taken_back(project: Project, developer: Person) -> None:
    made = open_request(project)
    theirs = as_seen_by(developer, made)
    theirs.approve()
    with refused(401):
        theirs.approve()
    theirs.unapprove()
    assert theirs.approvals.get().approved_by == []
    with refused(404):
        theirs.unapprove()


def test_authors_and_guests_do_not_approve(project: Project, person: Person) -> None:
    made = open_request(project)
    with refused(401, {"message": "401 Unauthorized"}):
        made.approve()
    project.members.create({"user_id": person.id, "access_level": 20})
    with refused(401):
        as_seen_by(person, made).approve()
    project.approvals.update(new_data={"merge_requests_author_approval": True})
    assert made.approve()["user_has_approved"]


def test_an_approval_is_for_the_head_that_was_seen(project: Project, developer: Person) -> None:
    made = open_request(project)
    with refused(409):
        as_seen_by(developer, made).approve("0" * 40)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_push_takes_approvals_back_where_the_project_says_so(
    project: Project, developer: Person, wanted: bool
) -> None:
    project.approvals.update(new_data={"reset_approvals_on_push": wanted})
    made = open_request(project)
    as_seen_by(developer, made).approve()
    commit_file(project, made.source_branch, "more.txt")
    assert (made.approvals.get().approved_by == []) is wanted


def test_a_rule_for_a_protected_branch_leaves_others_alone(project: Project) -> None:
    protection = project.protectedbranches.get("main")
    project.approvalrules.create({"name": "main", "approvals_required": 1, "protected_branch_ids": [protection.id]})
    commit_file(project, "release", "r.txt")
    elsewhere = open_request(project, target_branch="release")
    assert elsewhere.detailed_merge_status == "mergeable"
    assert open_request(project).detailed_merge_status == "not_approved"


def test_a_merge_request_has_a_rule_of_its_own(project: Project, developer: Person) -> None:
    source = project.approvalrules.create({"name": "Reviewers", "approvals_required": 2, "user_ids": [developer.id]})
    made = open_request(project)
    own = made.approval_rules.create(
        {"name": "Reviewers", "approvals_required": 1, "approval_project_rule_id": source.id}
    )
    assert [user["id"] for user in own.users] == [developer.id]
    state = made.approval_state.get()
    assert (state.approval_rules_overwritten, [rule["approvals_required"] for rule in state.rules]) == (True, [1])
    made.approval_rules.delete(own.id)
    assert made.approvals.get().approvals_required == 2
    project.approvals.update(new_data={"disable_overriding_approvers_per_merge_request": True})
    with refused(403):
        made.approval_rules.create({"name": "x", "approvals_required": 0})
    assert read(made).detailed_merge_status == "not_approved"


def test_anybody_who_may_approve_fulfils_the_rule_for_anybody(project: Project, developer: Person) -> None:
    project.approvalrules.create({"name": "Any", "approvals_required": 1, "rule_type": "any_approver"})
    made = open_request(project)
    state = made.approvals.get()
    assert (state.approved, state.has_approval_rules) == (False, False)
    assert as_seen_by(developer, made).approve()["approved"]


def test_members_of_a_group_fulfil_its_rule(project: Project, developer: Person, bot: gitlab.Gitlab) -> None:
    name = fresh("reviewers")
    reviewers = bot.groups.create({"name": name, "path": name})
    reviewers.members.create({"user_id": developer.id, "access_level": 10})
    rule = project.approvalrules.create({"name": "Group", "approvals_required": 1, "group_ids": [reviewers.id]})
    assert developer.id in [user["id"] for user in rule.eligible_approvers]
    assert as_seen_by(developer, open_request(project)).approve()["approved"]
