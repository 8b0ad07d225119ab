"""Where GitLab needs more than one call, or tells less than it was told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from testbed.provider.api import Api, ApiError, Configuration
from tests.unit.provider.conftest import AbortedError, Engine, secret
from tests.unit.provider.fake_gitlab import FakeGitLab, Request

FILE = {"project": "1", "branch": "main", "filePath": "a/b.yaml", "content": "x: 1\n", "encoding": "text"}
PATH = "projects/1/repository/files/a/b.yaml"


def _steps(gitlab: FakeGitLab) -> list[str]:
    return [f"{request.verb} {request.path}" for request in gitlab.requests]


def _file(content: str, **more: Any) -> dict[str, Any]:
    told = {"content": base64.b64encode(content.encode()).decode(), "encoding": "base64", "blob_id": content}
    return told | {"last_commit_id": "c1", "commit_id": "c1", "file_name": "b.yaml", "ref": "main"} | more


@pytest.fixture
def repository(gitlab: FakeGitLab) -> FakeGitLab:
    """A fake that keeps files under their paths."""
    original = gitlab.answer

    def answer(request: Request) -> tuple[int, Any]:
        if request.path == PATH and request.verb in {"POST", "PUT"}:
            gitlab.requests.append(request)
            gitlab.objects[PATH] = _file(request.body["content"])
            return 201, {"file_path": "a/b.yaml", "branch": "main"}
        return original(request)

    gitlab.answer = answer  # type: ignore[method-assign]
    return gitlab


def test_a_file_is_a_commit_with_a_message_of_its_own(engine: Engine, repository: FakeGitLab) -> None:
    id_, outputs = engine.create("RepositoryFile", FILE)
    assert id_ == "1:main:a/b.yaml"
    assert outputs["content"] == "x: 1\n"
    assert outputs["blobId"] == "x: 1\n"
    assert repository.calls("POST")[0].body["commit_message"] == "Create a/b.yaml"


def test_a_file_changed_behind_our_back_is_not_overwritten_blindly(engine: Engine, repository: FakeGitLab) -> None:
    id_, outputs = engine.create("RepositoryFile", FILE)
    repository.objects[PATH]["last_commit_id"] = "c2"
    engine.update("RepositoryFile", id_, outputs, FILE | {"content": "x: 2\n", "updateCommitMessage": "Two"})
    [change] = repository.calls("PUT")
    assert change.body["last_commit_id"] == "c2"
    assert change.body["commit_message"] == "Two"


def test_commits_to_other_files_are_no_drift(engine: Engine, repository: FakeGitLab) -> None:
    id_, outputs = engine.create("RepositoryFile", FILE)
    repository.objects[PATH] |= {"commit_id": "c9"}
    assert engine.read("RepositoryFile", id_, outputs, FILE)[1] == outputs


def test_an_existing_file_is_overwritten_only_when_told(engine: Engine, repository: FakeGitLab) -> None:
    repository.objects[PATH] = _file("by hand")
    engine.create("RepositoryFile", FILE | {"overwriteOnCreate": True})
    assert [request.verb for request in repository.requests] == ["GET", "PUT", "GET"]


def test_a_binary_file_keeps_its_encoding(engine: Engine, repository: FakeGitLab) -> None:
    data = base64.b64encode(b"\x00\xff").decode()
    repository.objects[PATH] = _file("") | {"content": data}
    _, outputs, _ = engine.read("RepositoryFile", "1:main:a/b.yaml", FILE | {"encoding": "base64", "content": data})
    assert outputs["content"] == data


def test_an_archived_project_is_unarchived_before_it_is_changed(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/5"] = {"id": 5, "archived": True, "name": "a"}
    olds = {"name": "a", "archived": True}
    engine.update("Project", "5", olds, {"name": "b", "archived": False})
    assert _steps(gitlab) == ["POST projects/5/unarchive", "PUT projects/5"]


def test_another_namespace_is_a_transfer(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects |= {"projects/5": {"id": 5}, "projects/5/transfer": {}}
    engine.update("Project", "5", {"name": "a", "namespaceId": 1}, {"name": "a", "namespaceId": 2})
    assert _steps(gitlab) == ["PUT projects/5/transfer", "PUT projects/5"]
    assert "namespace_id" not in gitlab.calls("PUT")[1].body


def test_a_project_may_be_archived_instead_of_deleted(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/5"] = {"id": 5}
    engine.delete("Project", "5", {"name": "a", "archiveOnDestroy": True})
    assert _steps(gitlab) == ["POST projects/5/archive"]


def test_a_project_that_gitlab_will_delete_later_is_gone(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/5"] = {"id": 5, "marked_for_deletion_on": "2026-01-01"}
    assert engine.read("Project", "5")[0] == ""


def test_an_environment_is_stopped_before_it_is_deleted(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/environments/4"] = {"id": 4, "state": "available"}
    engine.delete("ProjectEnvironment", "1:4", {"project": "1", "name": "dev", "stopBeforeDestroy": True})
    assert _steps(gitlab)[1:] == ["POST projects/1/environments/4/stop", "DELETE projects/1/environments/4"]


def test_a_kept_branch_is_not_deleted(engine: Engine, gitlab: FakeGitLab) -> None:
    engine.delete("Branch", "1:dev", {"project": "1", "name": "dev", "ref": "main", "keepOnDestroy": True})
    assert gitlab.requests == []


def test_a_member_goes_with_the_wanted_consequences(engine: Engine, gitlab: FakeGitLab) -> None:
    engine.delete("GroupMembership", "7:3", {"groupId": 7, "userId": 3, "skipSubresourcesOnDestroy": True})
    assert gitlab.calls("DELETE")[0].query == {"skip_subresources": ["true"]}


def test_a_hidden_value_that_gitlab_does_not_tell_stays_known(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = {"project": "1", "key": "K", "value": secret("s3cret"), "masked": True, "hidden": True}
    id_, outputs = engine.create("ProjectVariable", inputs)
    assert gitlab.calls("POST")[0].body["masked_and_hidden"] is True
    gitlab.objects["projects/1/variables/K"]["value"] = None
    assert engine.read("ProjectVariable", id_, outputs, inputs)[1]["value"] == secret("s3cret")


def test_a_hooks_token_that_is_no_longer_wanted_is_cleared(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = {"project": "1", "name": "h", "url": "https://x", "token": secret("t")}
    id_, outputs = engine.create("ProjectHook", inputs)
    news = {name: value for name, value in inputs.items() if name != "token"}
    assert list(engine.diff("ProjectHook", outputs, news).detailedDiff) == ["token"]
    engine.update("ProjectHook", id_, outputs, news)
    assert gitlab.calls("PUT")[0].body["token"] == ""


def test_a_boards_lists_are_made_anew_when_they_change(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects |= {"projects/1/boards/2": {"id": 2}, "projects/1/boards/2/lists/9": {"id": 9}}
    olds = {"project": "1", "name": "b", "lists": [{"labelId": 1}]}
    engine.update("ProjectIssueBoard", "1:2", olds, olds | {"lists": [{"labelId": 2}]})
    assert _steps(gitlab)[1:4] == [
        "GET projects/1/boards/2/lists",
        "DELETE projects/1/boards/2/lists/9",
        "POST projects/1/boards/2/lists",
    ]


def test_a_milestone_is_closed_by_a_step(engine: Engine, gitlab: FakeGitLab) -> None:
    engine.create("ProjectMilestone", {"project": "1", "title": "1.0", "state": "closed"})
    assert gitlab.calls("PUT")[0].body["state_event"] == "close"


def test_job_token_scopes_are_exactly_the_wanted_ones(engine: Engine, gitlab: FakeGitLab) -> None:
    base = "projects/1/job_token_scope"
    gitlab.objects |= {
        base: {"inbound_enabled": True},
        f"{base}/allowlist/1": {"id": 1},
        f"{base}/allowlist/5": {"id": 5},
        f"{base}/groups_allowlist/7": {"id": 7},
    }
    inputs = {"project": "1", "targetProjectIds": [6], "targetGroupIds": [7]}
    id_, _ = engine.create("ProjectJobTokenScopes", inputs)
    assert id_ == "1"
    changes = [step for step in _steps(gitlab) if not step.startswith("GET")]
    assert changes == [f"PATCH {base}", f"POST {base}/allowlist", f"DELETE {base}/allowlist/5"]


def test_a_schedules_branch_may_be_told_in_full(engine: Engine, gitlab: FakeGitLab) -> None:
    inputs = {"project": "1", "description": "d", "cron": "0 1 * * *", "ref": "main"}
    id_, outputs = engine.create("PipelineSchedule", inputs)
    gitlab.objects["projects/1/pipeline_schedules/1"]["ref"] = "refs/heads/main"
    assert engine.read("PipelineSchedule", id_, outputs, inputs)[1]["ref"] == "main"


def test_a_revoked_token_is_made_anew(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/access_tokens/4"] = {"id": 4, "revoked": True}
    assert engine.read("ProjectAccessToken", "1:4")[0] == ""


def test_a_groups_branch_defaults_are_levels_by_name(engine: Engine, gitlab: FakeGitLab) -> None:
    defaults = {"allowedToPushes": ["developer"], "allowForcePush": False}
    _, outputs = engine.create("Group", {"path": "g", "name": "g", "defaultBranchProtectionDefaults": defaults})
    sent = gitlab.calls("POST")[0].body["default_branch_protection_defaults"]
    assert sent == {"allowed_to_push": [{"access_level": 30}], "allow_force_push": False}
    assert outputs["defaultBranchProtectionDefaults"] == defaults


def test_waiting_ends_with_the_reason(gitlab: FakeGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.provider.api._WAIT", 0.0)
    with pytest.raises(ApiError, match="in vain for the end of days"):
        Api(Configuration(url=gitlab.url)).wait_until(lambda: False, "the end of days")


def test_after_a_cancel_nothing_is_sent(engine: Engine, gitlab: FakeGitLab) -> None:
    from google.protobuf import empty_pb2

    engine.provider.Cancel(empty_pb2.Empty(), engine.context)  # type: ignore[arg-type]
    with pytest.raises(AbortedError, match="cancelled"):
        engine.create("Group", {"path": "g", "name": "g"})
    assert gitlab.requests == []
