"""Resources through their whole life, against the least of a GitLab."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.provider.table import RESOURCES
from testbed.provider.values import UNKNOWN, plain
from testbed.pulumirpc import provider_pb2
from tests.unit.provider.conftest import TOKEN, AbortedError, Engine, secret
from tests.unit.provider.fake_gitlab import FakeGitLab

NONE = provider_pb2.DiffResponse.DIFF_NONE

# Inputs of one object of each type that needs nothing but what the fake does.
EXAMPLES: dict[str, dict[str, Any]] = {
    "Group": {"path": "hpc", "name": "HPC", "visibilityLevel": "private", "requestAccessEnabled": False},
    "Project": {"name": "platform", "namespaceId": 7, "topics": ["b", "a"], "mergeMethod": "ff"},
    "GroupLabel": {"group": "7", "name": "bug", "color": "red"},
    "ProjectLabel": {"project": "1", "name": "bug", "color": "#ff0000", "description": "broken", "priority": 2},
    "BranchProtection": {"project": "1", "branch": "main", "pushAccessLevel": "maintainer", "allowForcePush": False},
    "TagProtection": {"project": "1", "tag": "v*", "createAccessLevel": "developer"},
    "GroupVariable": {"group": "7", "key": "K", "value": "v", "masked": True},
    "ProjectVariable": {"project": "1", "key": "K", "value": "v", "environmentScope": "prod"},
    "ProjectHook": {"project": "1", "name": "argocd", "url": "https://x/hook", "pushEvents": True, "token": "t"},
    "UserRunner": {"runnerType": "group_type", "groupId": 7, "tagLists": ["gpu", "cpu"], "untagged": False},
    "ClusterAgent": {"project": "1", "name": "dev"},
    "ClusterAgentToken": {"project": "1", "agentId": 3, "name": "t"},
    "ProjectEnvironment": {"project": "1", "name": "dev", "tier": "development", "externalUrl": "https://x"},
    "ProjectDeployToken": {"project": "1", "name": "t", "scopes": ["read_registry"], "username": "u"},
    "GroupDeployToken": {"group": "7", "name": "t", "scopes": ["read_registry"]},
    "ProjectAccessToken": {"project": "1", "name": "t", "scopes": ["api"], "expiresAt": "2099-01-01"},
    "GroupAccessToken": {"group": "7", "name": "t", "scopes": ["api"], "accessLevel": "developer"},
    "GroupMembership": {"groupId": 7, "userId": 3, "accessLevel": "maintainer"},
    "ProjectMembership": {"project": "1", "userId": 3, "accessLevel": "developer", "expiresAt": "2099-01-01"},
    "ProjectMilestone": {"project": "1", "title": "1.0", "dueDate": "2026-12-24"},
    "ProjectBadge": {"project": "1", "name": "b", "imageUrl": "https://i", "linkUrl": "https://l"},
    "GroupBadge": {"group": "7", "name": "b", "imageUrl": "https://i", "linkUrl": "https://l"},
    "PipelineSchedule": {"project": "1", "description": "nightly", "cron": "0 1 * * *", "ref": "main"},
    "PipelineTrigger": {"project": "1", "description": "t"},
    "ProjectApprovalRule": {"project": "1", "name": "r", "approvalsRequired": 2, "ruleType": "regular"},
    "Application": {"name": "hub", "redirectUrl": "https://hub/callback", "scopes": ["openid", "email"]},
    "DeployKey": {"project": "1", "title": "k", "key": "ssh-ed25519 AAAA me@here"},
}

every = pytest.mark.parametrize("name", EXAMPLES)


@every
def test_a_second_update_changes_nothing(engine: Engine, name: str) -> None:
    inputs, failures = engine.check(name, EXAMPLES[name])
    assert not failures
    _, outputs = engine.create(name, inputs)
    assert engine.diff(name, outputs, inputs).changes == NONE


@every
def test_a_refresh_finds_what_was_created(engine: Engine, name: str) -> None:
    inputs, _ = engine.check(name, EXAMPLES[name])
    id_, outputs = engine.create(name, inputs)
    assert engine.read(name, id_, outputs, inputs) == (id_, outputs, inputs)


@every
def test_an_import_by_the_id_alone_finds_the_same_object(engine: Engine, name: str) -> None:
    inputs, _ = engine.check(name, EXAMPLES[name])
    id_, _ = engine.create(name, inputs)
    found, imported, _ = engine.read(name, id_)
    assert found == id_
    readable = {item.name for item in RESOURCES_BY_NAME[name].inputs if item.read}
    assert {key: plain(imported[key]) for key in readable & inputs.keys()} == {
        key: inputs[key] for key in readable & inputs.keys()
    }


@every
def test_deleting_twice_is_fine_and_then_nothing_is_found(engine: Engine, gitlab: FakeGitLab, name: str) -> None:
    inputs, _ = engine.check(name, EXAMPLES[name])
    id_, outputs = engine.create(name, inputs)
    engine.delete(name, id_, outputs)
    assert not gitlab.objects
    engine.delete(name, id_, outputs)
    assert engine.read(name, id_, outputs, inputs)[0] == ""


@every
def test_a_preview_calls_nothing_and_leaves_the_id_open(engine: Engine, gitlab: FakeGitLab, name: str) -> None:
    inputs, _ = engine.check(name, EXAMPLES[name])
    id_, outputs = engine.create(name, inputs, preview=True)
    assert id_ == ""
    assert gitlab.requests == []
    assert {key: plain(value) for key, value in outputs.items() if key in inputs} == inputs
    for item in RESOURCES_BY_NAME[name].properties:
        if not item.input:
            assert plain(outputs[item.name]) == UNKNOWN


RESOURCES_BY_NAME = {resource.name: resource for resource in RESOURCES.values()}


def test_a_label_is_changed_in_place(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    id_, outputs = engine.create("ProjectLabel", inputs)
    news = inputs | {"description": "does not work"}
    found = engine.diff("ProjectLabel", outputs, news)
    assert list(found.detailedDiff) == ["description"]
    assert not found.replaces
    assert engine.update("ProjectLabel", id_, outputs, news)["description"] == "does not work"
    assert gitlab.calls("PUT")[0].path == "projects/1/labels/1"


def test_a_property_left_out_goes_back_to_its_default(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    id_, outputs = engine.create("ProjectLabel", inputs)
    news = {name: value for name, value in inputs.items() if name != "description"}
    assert list(engine.diff("ProjectLabel", outputs, news).detailedDiff) == ["description"]
    assert engine.update("ProjectLabel", id_, outputs, news)["description"] == ""


def test_what_gitlab_decides_is_no_difference(engine: Engine) -> None:
    inputs = EXAMPLES["Project"]
    _, outputs = engine.create("Project", inputs)
    assert engine.diff("Project", outputs | {"lfsEnabled": True}, inputs).changes == NONE


def test_an_ignored_property_is_no_difference(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    _, outputs = engine.create("ProjectLabel", inputs)
    assert engine.diff("ProjectLabel", outputs, inputs | {"color": "#00ff00"}, "color").changes == NONE


def test_another_project_needs_another_label_and_the_old_one_goes_first(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    _, outputs = engine.create("ProjectLabel", inputs)
    found = engine.diff("ProjectLabel", outputs, inputs | {"project": "2"})
    assert list(found.replaces) == ["project"]
    assert found.deleteBeforeReplace


def test_a_new_token_comes_before_the_old_one_goes(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectAccessToken"]
    _, outputs = engine.create("ProjectAccessToken", inputs)
    found = engine.diff("ProjectAccessToken", outputs, inputs | {"scopes": ["read_api"]})
    assert list(found.replaces) == ["scopes"]
    assert not found.deleteBeforeReplace


def test_a_difference_is_named_by_its_place(engine: Engine) -> None:
    inputs = {"project": "1", "name": "flow", "lists": [{"labelId": 1}, {"labelId": 2}]}
    outputs = inputs | {"lists": [{"labelId": 1, "id": 10}, {"labelId": 3, "id": 11}]}
    assert list(engine.diff("ProjectIssueBoard", outputs, inputs).detailedDiff) == ["lists[1].labelId"]


def test_a_value_that_is_not_known_yet_is_a_difference(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    _, outputs = engine.create("ProjectLabel", inputs)
    assert list(engine.diff("ProjectLabel", outputs, inputs | {"project": UNKNOWN}).replaces) == ["project"]


def test_drift_in_gitlab_is_found_and_undone(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = EXAMPLES["ProjectLabel"]
    id_, outputs = engine.create("ProjectLabel", inputs)
    gitlab.objects["projects/1/labels/1"]["color"] = "#123456"
    _, refreshed, read = engine.read("ProjectLabel", id_, outputs, inputs)
    assert read["color"] == "#123456"
    assert list(engine.diff("ProjectLabel", refreshed, inputs).detailedDiff) == ["color"]


def test_a_protection_that_is_there_already_is_taken_over(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/protected_branches/main"] = {"id": 99, "name": "main"}
    _, outputs = engine.create("BranchProtection", EXAMPLES["BranchProtection"])
    assert outputs["branchProtectionId"] != 99
    assert [request.verb for request in gitlab.requests] == ["DELETE", "POST"]


def test_a_flag_of_a_protection_changes_without_a_gap(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = EXAMPLES["BranchProtection"]
    id_, outputs = engine.create("BranchProtection", inputs)
    engine.update("BranchProtection", id_, outputs, inputs | {"allowForcePush": True})
    assert [request.verb for request in gitlab.requests[2:]] == ["PATCH"]


def test_levels_and_grants_are_told_apart(engine: Engine) -> None:
    inputs = EXAMPLES["BranchProtection"] | {"allowedToPushes": [{"deployKeyId": 5}]}
    _, outputs = engine.create("BranchProtection", inputs)
    assert outputs["pushAccessLevel"] == "maintainer"
    assert outputs["allowedToPushes"] == [{"deployKeyId": 5}]
    assert outputs["mergeAccessLevel"] == "maintainer"


def test_a_secret_input_is_a_secret_output(engine: Engine) -> None:
    inputs = EXAMPLES["ProjectVariable"] | {"value": secret("s3cret")}
    _, outputs = engine.create("ProjectVariable", inputs)
    assert outputs["value"] == secret("s3cret")


def test_a_token_told_once_is_kept_as_a_secret(engine: Engine) -> None:
    _, outputs = engine.create("PipelineTrigger", EXAMPLES["PipelineTrigger"])
    assert outputs["token"] == secret("glxx-told-once")


def test_the_variable_of_one_scope_is_addressed(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = EXAMPLES["ProjectVariable"]
    id_, outputs = engine.create("ProjectVariable", inputs)
    assert id_ == "1:K:prod"
    engine.update("ProjectVariable", id_, outputs, inputs | {"value": "w"})
    assert gitlab.calls("PUT")[0].query == {"filter[environment_scope]": ["prod"]}


def test_a_token_is_renewed_when_its_rotation_is_due(engine: Engine) -> None:
    rotation = {"expirationDays": 30, "rotateBeforeDays": 7}
    inputs = {"project": "1", "name": "t", "scopes": ["api"], "rotationConfiguration": rotation}
    _, outputs = engine.create("ProjectAccessToken", inputs)
    assert engine.diff("ProjectAccessToken", outputs, inputs).changes == NONE
    due = engine.diff("ProjectAccessToken", outputs | {"expiresAt": "2020-01-05"}, inputs)
    assert list(due.replaces) == ["expiresAt"]


def test_an_id_of_another_form_is_refused_with_the_form(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="<project>:<labelId>"):
        engine.read("ProjectLabel", "12")


def test_gitlabs_own_words_come_with_the_resource_and_without_secrets(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.failures.append((400, {"value": ["s3cret is too short"]}))
    with pytest.raises(AbortedError) as caught:
        engine.create("ProjectVariable", EXAMPLES["ProjectVariable"] | {"value": secret("s3cret")})
    assert str(caught.value) == (
        "example: GitLab answered POST /projects/1/variables with 400: value [secret] is too short"
    )


def test_transient_failures_are_repeated(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.failures.extend([(429, "slow down"), (502, "bad gateway")])
    assert engine.create("ProjectLabel", EXAMPLES["ProjectLabel"])[0] == "1:1"
    assert len(gitlab.requests) == 3


def test_repeating_has_an_end(gitlab: FakeGitLab, engine: Engine) -> None:
    engine.configure(baseUrl=gitlab.url, token=TOKEN, retries="2")
    gitlab.failures.extend([(503, "out of service")] * 9)
    with pytest.raises(AbortedError, match="503: out of service"):
        engine.create("ProjectLabel", EXAMPLES["ProjectLabel"])
    assert len(gitlab.requests) == 3


def test_a_gitlab_that_is_not_there_is_named_with_the_remedy(engine: Engine) -> None:
    engine.configure(baseUrl="http://127.0.0.1:1/api/v4/", token=TOKEN, retries="0")
    with pytest.raises(AbortedError, match=r"POST /groups: \[Errno 111\] Connection refused; check that it runs"):
        engine.create("Group", EXAMPLES["Group"])


def test_half_made_objects_are_reported_with_what_exists(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/boards/1/lists/7"] = {"id": 7}

    def refuse() -> None:
        gitlab.failures.append((400, "label does not exist"))

    original = gitlab.answer

    def answer(request: Any) -> Any:
        if request.path.endswith("/lists"):
            refuse()
        return original(request)

    gitlab.answer = answer  # type: ignore[method-assign]
    with pytest.raises(AbortedError, match="label does not exist"):
        engine.create("ProjectIssueBoard", {"project": "1", "name": "flow", "lists": [{"labelId": 9}]})
    [(key, payload)] = engine.context.metadata
    assert key == "grpc-status-details-bin"
    assert b"1:2" in payload


def test_without_a_token_the_remedy_is_named(
    gitlab: FakeGitLab, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN", raising=False)
    engine.configure(baseUrl=gitlab.url)
    with pytest.raises(AbortedError, match="set GITLAB_TOKEN"):
        engine.create("ProjectLabel", EXAMPLES["ProjectLabel"])
