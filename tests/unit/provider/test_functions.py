"""What programs look up."""

from __future__ import annotations

import pytest

from tests.unit.provider.conftest import AbortedError, Engine
from tests.unit.provider.fake_gitlab import FakeGitLab

BRANCH = {
    "name": "main",
    "default": True,
    "developers_can_push": False,
    "web_url": "https://x/main",
    "commit": {"id": "abc", "short_id": "a", "parent_ids": [], "author_name": "A", "trailers": {}},
}


def test_a_group_is_found_by_its_path(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["groups/hpc/tools"] = {"id": 7, "full_path": "hpc/tools", "visibility": "private", "projects": []}
    found = engine.invoke("getGroup", fullPath="hpc/tools")
    assert found == {"id": "7", "groupId": 7, "fullPath": "hpc/tools", "visibilityLevel": "private"}


def test_a_project_is_found_by_its_number_or_path(engine: Engine, gitlab: FakeGitLab) -> None:
    project = {"id": 3, "path_with_namespace": "a/b", "visibility": "public", "namespace": {"id": 1}}
    gitlab.objects |= {"projects/3": project, "projects/a/b": project}
    found = engine.invoke("getProject", id="3")
    assert found == engine.invoke("getProject", pathWithNamespace="a/b")
    assert found["namespaceId"] == 1
    assert found["visibilityLevel"] == "public"


def test_a_lookup_needs_exactly_one_key(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="exactly one of id, pathWithNamespace"):
        engine.invoke("getProject", id="3", pathWithNamespace="a/b")


def test_branches_come_with_their_commits(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["projects/1/repository/branches/main"] = BRANCH
    one = engine.invoke("getBranch", project="1", name="main")
    assert one["id"] == "1:main"
    assert one["developerCanPush"] is False
    assert one["commits"] == [{"id": "abc", "shortId": "a", "parentIds": [], "authorName": "A"}]
    [listed] = engine.invoke("getProjectBranches", project="1")["branches"]
    assert listed["developersCanPush"] is False
    assert listed["commits"] == one["commits"]


def test_a_user_must_be_the_only_one_of_that_name(engine: Engine, gitlab: FakeGitLab) -> None:
    gitlab.objects["users/1"] = {"id": 1, "username": "a"}
    assert engine.invoke("getUser", username="a")["userId"] == 1
    gitlab.objects["users/2"] = {"id": 2, "username": "a"}
    with pytest.raises(AbortedError, match="2 users with username 'a'"):
        engine.invoke("getUser", username="a")


def test_what_is_not_there_is_said_with_gitlabs_words(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="404 Not found"):
        engine.invoke("getProject", id="9")


def test_an_unknown_function_is_refused_by_its_token(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="function gitlab:index/getTopic:getTopic"):
        engine.invoke("getTopic")


def test_an_unknown_argument_is_refused_with_those_that_exist(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="getGroup takes fullPath, groupId"):
        engine.invoke("getGroup", path="a")
