"""Consent and invitations: where GitLab has lists of numbered entries, or shows an object within another one only."""

from __future__ import annotations

from tests.unit.provider.conftest import Engine
from tests.unit.provider.fake_gitlab import FakeGitLab

ENVIRONMENT = "projects/1/protected_environments/prod"
RULE = {"project": "1", "name": "Two", "approvalsRequired": 2, "ruleType": "regular", "userIds": [3]}


def test_who_may_deploy_changes_without_a_moment_in_which_everybody_may(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects[ENVIRONMENT] = {"name": "prod", "deploy_access_levels": [{"id": 9, "access_level": 40}]}
    old = {"project": "1", "environment": "prod", "deployAccessLevelsAttributes": [{"accessLevel": "maintainer"}]}
    new = old | {"deployAccessLevelsAttributes": [{"accessLevel": "developer"}]}
    assert list(engine.diff("ProjectProtectedEnvironment", old, new).detailedDiff) == [
        "deployAccessLevelsAttributes[0].accessLevel"
    ]
    engine.update("ProjectProtectedEnvironment", "1:prod", old, new)
    assert gitlab.calls("DELETE") == []
    (request,) = gitlab.calls("PUT")
    assert request.body["deploy_access_levels"] == [{"access_level": 30}, {"id": 9, "_destroy": True}]


def test_an_entry_for_a_user_has_no_role(engine: Engine, gitlab: FakeGitLab) -> None:
    entry = {"id": 9, "access_level": 40, "user_id": 3, "group_id": None}
    gitlab.objects[ENVIRONMENT] = {"name": "prod", "deploy_access_levels": [entry], "approval_rules": []}
    _, outputs, _ = engine.read("ProjectProtectedEnvironment", "1:prod")
    assert outputs["deployAccessLevelsAttributes"] == [{"id": 9, "userId": 3}]


def test_an_approver_who_was_removed_by_hand_is_found(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/approval_rules/4"] = {"id": 4, "name": "Two", "approvals_required": 2, "users": []}
    _, refreshed, _ = engine.read("ProjectApprovalRule", "1:4", RULE, RULE)
    assert list(engine.diff("ProjectApprovalRule", refreshed, RULE).detailedDiff) == ["userIds[0]"]


def test_another_kind_of_rule_is_another_rule(engine: Engine) -> None:
    found = engine.diff("ProjectApprovalRule", RULE, RULE | {"ruleType": "any_approver"})
    assert list(found.replaces) == ["ruleType"]


def test_approval_settings_are_lifted_when_nobody_wants_them_any_more(engine: Engine, gitlab: FakeGitLab) -> None:
    engine.delete("ProjectLevelMrApprovals", "1", {"project": "1", "resetApprovalsOnPush": True})
    (request,) = gitlab.calls("POST")
    assert request.body["reset_approvals_on_push"] is False


def test_an_invitation_is_found_in_what_it_opens(engine: Engine, gitlab: FakeGitLab) -> None:
    share = {"group_id": 6, "group_access_level": 20, "expires_at": None}
    gitlab.objects["groups/7"] = {"id": 7, "shared_with_groups": [share]}
    inputs = {"groupId": "7", "shareGroupId": 6, "groupAccess": "reporter"}
    id_, outputs, _ = engine.read("GroupShareGroup", "7:6", inputs, inputs)
    assert (id_, outputs["groupAccess"]) == ("7:6", "reporter")
    assert list(engine.diff("GroupShareGroup", outputs, inputs | {"groupAccess": "guest"}).replaces) == ["groupAccess"]
    gitlab.objects["groups/7"]["shared_with_groups"] = []
    assert engine.read("GroupShareGroup", "7:6", inputs, inputs)[0] == ""
