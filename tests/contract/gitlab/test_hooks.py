"""Web hooks: settings, payloads, delivery, retries and their log."""

from __future__ import annotations

import json
import socket
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project, ProjectHook

from tests.contract.gitlab.support import Double, Git, Person, Receiver, eventually, refused


def push(project: Project, branch: str = "main", path: str = "a.txt") -> str:
    """Commit through the API."""
    change = {"action": "create", "file_path": path, "content": "1\n"}
    made = project.commits.create({"branch": branch, "commit_message": f"Add {path}\n\nWhy", "actions": [change]})
    return str(made.id)


def test_a_commit_of_the_api_is_told_in_gitlabs_form(double: Double, project: Project, receiver: Receiver) -> None:
    before = project.commits.get("main").id
    project.hooks.create({"url": receiver.url, "token": "s3cret"})
    after = push(project)
    headers, body = receiver.take()
    assert headers["X-Gitlab-Event"] == "Push Hook"
    assert headers["X-Gitlab-Token"] == "s3cret"
    assert headers["X-Gitlab-Instance"] == double.url
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "GitLab/18.5.0-ee"
    assert headers["X-Gitlab-Event-UUID"]
    assert headers["Idempotency-Key"] != headers["X-Gitlab-Webhook-UUID"]
    payload = json.loads(body)
    assert payload["object_kind"] == payload["event_name"] == "push"
    assert (payload["before"], payload["after"], payload["checkout_sha"]) == (before, after, after)
    assert (payload["ref"], payload["ref_protected"]) == ("refs/heads/main", True)
    assert (payload["user_username"], payload["project_id"]) == ("bighpc-bot", project.id)
    about = payload["project"]
    assert about["path_with_namespace"] == project.path_with_namespace
    assert (about["web_url"], about["git_http_url"]) == (project.web_url, project.http_url_to_repo)
    assert (about["default_branch"], about["visibility_level"]) == ("main", 0)
    assert payload["repository"]["homepage"] == project.web_url
    (commit,) = payload["commits"]
    assert (commit["id"], commit["title"], commit["message"]) == (after, "Add a.txt", "Add a.txt\n\nWhy")
    assert (commit["added"], commit["modified"], commit["removed"]) == (["a.txt"], [], [])
    assert payload["total_commits_count"] == 1


def test_a_push_of_git_is_told_with_all_its_commits(clone: Git, project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url})
    clone.commit("a", "1", "First")
    clone.commit("README.md", "2", "Second")
    clone("push", "origin", "main")
    _, body = receiver.take()
    payload = json.loads(body)
    assert [each["title"] for each in payload["commits"]] == ["First", "Second"]
    assert payload["commits"][1]["modified"] == ["README.md"]
    assert payload["total_commits_count"] == 2


def test_a_new_and_a_removed_branch_are_told_with_zeros(clone: Git, project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url})
    clone("push", "origin", "main:topic")
    created = json.loads(receiver.take()[1])
    assert (created["before"], created["commits"]) == ("0" * 40, [])
    clone("push", "origin", ":topic")
    removed = json.loads(receiver.take()[1])
    assert (removed["after"], removed["checkout_sha"]) == ("0" * 40, None)


def test_a_receiver_that_hangs_holds_up_nobody_else(project: Project, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for _ in range(3):
            project.hooks.create({"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        project.hooks.create({"url": receiver.url})
        push(project)
        assert json.loads(receiver.take()[1])["ref"] == "refs/heads/main"
        for hook in project.hooks.list():
            hook.delete()


def test_a_pushed_tag_is_told(clone: Git, project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url, "push_events": False, "tag_push_events": True})
    clone("tag", "v1")
    clone("push", "--quiet", "origin", "v1")
    assert json.loads(receiver.take()[1])["ref"] == "refs/tags/v1"


def test_a_tag_is_told_to_those_who_want_tags(project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url, "push_events": False, "tag_push_events": True})
    push(project)
    project.tags.create({"tag_name": "v1", "ref": "main", "message": "First"})
    headers, body = receiver.take()
    payload = json.loads(body)
    assert headers["X-Gitlab-Event"] == "Tag Push Hook"
    assert (payload["object_kind"], payload["ref"], payload["message"]) == ("tag_push", "refs/tags/v1", "First")
    assert payload["checkout_sha"] == project.commits.get("main").id
    assert receiver.requests.empty()


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({"push_events_branch_filter": "dev"}, ["dev"]),
        ({"push_events_branch_filter": "de*"}, ["dev", "demo"]),
        ({"push_events_branch_filter": "^d.v$", "branch_filter_strategy": "regex"}, ["dev"]),
        ({"push_events_branch_filter": "dev", "branch_filter_strategy": "all_branches"}, ["dev", "demo", "other"]),
    ],
)
def test_a_branch_filter_is_honoured(
    project: Project, receiver: Receiver, filters: dict[str, str], passes: list[str]
) -> None:
    hook = project.hooks.create({"url": receiver.url, **filters})
    for name in ("dev", "demo", "other"):
        project.branches.create({"branch": name, "ref": "main"})
    events = hook_events(project, hook)
    assert [event["request_data"]["ref"].removeprefix("refs/heads/") for event in events] == passes[::-1]


def hook_events(project: Project, hook: ProjectHook) -> list[dict[str, Any]]:
    """The log of a hook."""
    found = project.manager.gitlab.http_list(f"/projects/{project.id}/hooks/{hook.id}/events")
    assert isinstance(found, list)
    return found


def test_a_receiver_that_fails_is_tried_again_with_the_same_key(project: Project, receiver: Receiver) -> None:
    receiver.answers.append(500)
    hook = project.hooks.create({"url": receiver.url, "token": "s3cret"})
    push(project)
    first, second = receiver.take(), receiver.take()
    assert first[1] == second[1]
    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"]
    (event,) = eventually(lambda: [each for each in hook_events(project, hook) if each["response_status"] == "200"])
    assert (event["trigger"], event["url"]) == ("push_hooks", receiver.url)
    assert event["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"


def test_an_answer_that_a_repetition_would_not_change_is_final(project: Project, receiver: Receiver) -> None:
    receiver.answers.append(404)
    hook = project.hooks.create({"url": receiver.url})
    push(project)
    receiver.take()
    eventually(lambda: hook_events(project, hook)[0]["response_status"] == "404")
    push(project, path="b.txt")
    receiver.take()
    assert receiver.requests.empty()


def test_an_event_is_sent_again_on_demand(bot: gitlab.Gitlab, project: Project, receiver: Receiver) -> None:
    hook = project.hooks.create({"url": receiver.url})
    push(project)
    first = receiver.take()
    (event,) = hook_events(project, hook)
    bot.http_post(f"/projects/{project.id}/hooks/{hook.id}/events/{event['id']}/resend")
    assert receiver.take()[1] == first[1]


def test_a_hook_is_tried_out(project: Project, receiver: Receiver) -> None:
    hook = project.hooks.create({"url": receiver.url, "push_events": False})
    hook.test("push_events")
    assert json.loads(receiver.take()[1])["ref"] == "refs/heads/main"
    with refused(400):
        hook.test("moon_events")


def test_secret_parts_and_templates_are_filled_in(bot: gitlab.Gitlab, project: Project, receiver: Receiver) -> None:
    hook = project.hooks.create(
        {
            "url": receiver.url.replace("/hook", "/{path}"),
            "url_variables": [{"key": "path", "value": "hook"}],
            "custom_headers": [{"key": "X-Site", "value": "hpc"}],
            "custom_webhook_template": '{"ref": "{{ref}}", "path": "{{project.path_with_namespace}}"}',
        }
    )
    assert (hook.url_variables, hook.custom_headers) == ([{"key": "path"}], [{"key": "X-Site"}])
    push(project)
    headers, body = receiver.take()
    assert headers["X-Site"] == "hpc"
    assert json.loads(body) == {"ref": "refs/heads/main", "path": project.path_with_namespace}


def test_a_group_hook_hears_of_its_projects(group: Group, project: Project, receiver: Receiver) -> None:
    group.hooks.create({"url": receiver.url})
    push(project)
    assert json.loads(receiver.take()[1])["project_id"] == project.id


def test_a_hook_is_created_read_changed_and_removed(project: Project) -> None:
    hook = project.hooks.create({"url": "https://a.example/x", "token": "s3cret", "name": "argo"})
    assert (hook.push_events, hook.tag_push_events, hook.enable_ssl_verification) == (True, False, True)
    assert (hook.alert_status, hook.project_id, hook.name) == ("executable", project.id, "argo")
    assert not hasattr(hook, "token")
    hook.tag_push_events = True
    hook.enable_ssl_verification = False
    hook.save()
    seen = project.hooks.get(hook.id)
    assert (seen.tag_push_events, seen.push_events, seen.enable_ssl_verification) == (True, True, False)
    hook.delete()
    with refused(404, {"message": "404 Not found"}):
        project.hooks.get(hook.id)


@pytest.mark.parametrize("url", ["ftp://a.example", "not an address", "http://"])
def test_an_address_that_cannot_be_called_is_refused(shared: Project, url: str) -> None:
    with refused(422, {"error": "Invalid url given"}):
        shared.hooks.create({"url": url})


def test_hooks_are_for_maintainers(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    with refused(403, {"message": "403 Forbidden"}):
        person.client.projects.get(project.id).hooks.list()
