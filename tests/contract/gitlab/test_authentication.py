"""Tokens, scopes, and what is open without any."""

from __future__ import annotations

from datetime import date, timedelta

import gitlab
import pytest
import requests
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, make_person, refused


def test_the_client_signs_in_and_reads_the_version(bot: gitlab.Gitlab) -> None:
    bot.auth()
    assert bot.user is not None
    assert (bot.user.username, bot.user.state) == ("bighpc-bot", "active")
    assert bot.version() == ("18.5.0-ee", "double")
    metadata = bot.http_get("/metadata")
    assert isinstance(metadata, dict)
    assert metadata["kas"]["enabled"] is True


def test_root_is_the_first_user_and_an_administrator(root: gitlab.Gitlab) -> None:
    root.auth()
    assert root.user is not None
    assert (root.user.id, root.user.username, root.user.is_admin) == (1, "root", True)


def test_a_bearer_token_works_like_a_private_token(double: Double) -> None:
    client = gitlab.Gitlab(double.url, oauth_token=double.bot_token)
    client.auth()
    assert client.user is not None
    client.session.close()


@pytest.mark.parametrize("token", ["glpat-nobody-ever-had-it", "", None])
def test_without_a_good_token_nothing_private_opens(double: Double, token: str | None) -> None:
    client = double.client(token)
    with refused(401, {"message": "401 Unauthorized"}):
        client.auth()
    with refused(401, {"message": "401 Unauthorized"}):
        client.projects.create({"name": "x"})


def test_a_revoked_token_says_so(double: Double, root: gitlab.Gitlab) -> None:
    somebody = make_person(double, root)
    token = somebody.client.personal_access_tokens.get("self")
    token.delete()
    said = "Token was revoked. You have to re-authorize from the user."
    with refused(401, {"error": "invalid_token", "error_description": said}):
        somebody.client.auth()


def test_a_read_only_token_reads_only(double: Double, root: gitlab.Gitlab, project: Project) -> None:
    reader = make_person(double, root, ("read_api",))
    project.members.create({"user_id": reader.id, "access_level": 40})
    assert reader.client.projects.get(project.id).id == project.id
    wanted = {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": "api",
    }
    with refused(403, wanted):
        reader.client.projects.create({"name": "x"})


def test_a_repository_token_reads_files_but_no_settings(double: Double, root: gitlab.Gitlab, project: Project) -> None:
    reader = make_person(double, root, ("read_repository",))
    project.members.create({"user_id": reader.id, "access_level": 30})
    files = reader.client.projects.get(project.id, lazy=True).files
    assert files.raw("README.md", "main").startswith(b"# ")
    with refused(403):
        reader.client.projects.get(project.id)


def test_a_runner_token_makes_runners_only(double: Double, root: gitlab.Gitlab, project: Project) -> None:
    maker = make_person(double, root, ("create_runner",))
    project.members.create({"user_id": maker.id, "access_level": 40})
    runner = maker.client.http_post(
        "/user/runners", post_data={"runner_type": "project_type", "project_id": project.id}
    )
    assert isinstance(runner, dict)
    assert runner["token"].startswith("glrt-")
    with refused(403):
        maker.client.projects.list()


def test_a_blocked_user_is_shut_out(root: gitlab.Gitlab, person: Person) -> None:
    root.users.get(person.id).block()
    with refused(403):
        person.client.auth()
    root.users.get(person.id).unblock()
    person.client.auth()


def test_tokens_are_listed_and_shown_without_their_secret(person: Person) -> None:
    (listed,) = person.client.personal_access_tokens.list()
    own = person.client.personal_access_tokens.get("self")
    assert (listed.id, own.scopes, own.active, own.revoked) == (own.id, ["api"], True, False)
    assert own.expires_at == (date.today() + timedelta(days=365)).isoformat()
    assert not hasattr(own, "token")
    assert own.last_used_at is not None


def test_a_rotated_token_replaces_the_old_one(double: Double, person: Person) -> None:
    fresh_one = person.client.personal_access_tokens.rotate("self")
    assert fresh_one["expires_at"] == (date.today() + timedelta(days=7)).isoformat()
    with refused(401):
        person.client.auth()
    double.client(fresh_one["token"]).auth()


def test_rotating_a_revoked_token_revokes_its_successors(double: Double, root: gitlab.Gitlab, person: Person) -> None:
    old = person.client.personal_access_tokens.get("self").id
    successor = person.client.personal_access_tokens.rotate("self")["token"]
    with refused(400, {"message": "400 Bad request - token already revoked"}):
        root.personal_access_tokens.rotate(old)
    with refused(401):
        double.client(successor).auth()


@pytest.mark.parametrize(
    ("days", "message"),
    [(-1, {"expires_at": ["can't be in the past"]}), (400, None)],
)
def test_a_token_lives_a_year_at_most(
    root: gitlab.Gitlab, person: Person, days: int, message: dict[str, list[str]] | None
) -> None:
    user = root.users.get(person.id)
    last_day = (date.today() + timedelta(days=days)).isoformat()
    with refused(400, {"message": message} if message else None):
        user.personal_access_tokens.create({"name": "t", "scopes": ["api"], "expires_at": last_day})


def test_unknown_scopes_are_refused(root: gitlab.Gitlab, person: Person) -> None:
    with refused(400, {"error": "scopes does not have a valid value"}):
        root.users.get(person.id).personal_access_tokens.create({"name": "t", "scopes": ["everything"]})


def test_only_an_administrator_manages_users_and_their_tokens(person: Person, bot: gitlab.Gitlab) -> None:
    with refused(403, {"message": "403 Forbidden"}):
        person.client.users.create({"username": "x", "name": "x", "email": "x@example.com"})
    with refused(403):
        bot.http_post(f"/users/{person.id}/personal_access_tokens", post_data={"name": "t", "scopes": ["api"]})
    with refused(401):
        bot.personal_access_tokens.list(user_id=person.id)


def test_users_are_found_and_named_once(root: gitlab.Gitlab, person: Person) -> None:
    (found,) = root.users.list(username=person.username)
    assert found.id == person.id
    assert root.users.get(person.id).email == f"{person.username}@example.com"
    assert not hasattr(person.client.users.get(1), "email")
    with refused(409, {"message": "Username has already been taken"}):
        root.users.create({"username": person.username, "name": "x", "email": "other@example.com"})
    with refused(409, {"message": "Email has already been taken"}):
        root.users.create({"username": "another", "name": "x", "email": f"{person.username}@example.com"})
    with refused(404, {"message": "404 User Not Found"}):
        root.users.get(99999)


def test_a_project_access_token_is_a_bot_with_a_role(double: Double, project: Project, bot: gitlab.Gitlab) -> None:
    made = project.access_tokens.create({"name": "ci", "scopes": ["api"], "access_level": 30})
    client = double.client(made.token)
    client.auth()
    assert client.user is not None
    assert client.user.username.startswith(f"project_{project.id}_bot_")
    assert client.projects.get(project.id).permissions["project_access"]["access_level"] == 30
    assert (made.access_level, made.resource_type, made.resource_id) == (30, "project", project.id)
    with refused(400):
        client.projects.get(project.id).access_tokens.create({"name": "more", "scopes": ["api"]})
    rotated = project.access_tokens.rotate(made.id)
    project.access_tokens.delete(rotated["id"])
    with refused(401):
        double.client(rotated["token"]).auth()
    assert project.access_tokens.get(rotated["id"]).revoked
    assert bot.users.list(username=client.user.username)


def test_a_group_access_token_opens_the_groups_projects(double: Double, group: Group, project: Project) -> None:
    made = group.access_tokens.create({"name": "ci", "scopes": ["read_api"], "access_level": 20})
    assert double.client(made.token).projects.get(project.id).id == project.id
    assert [each.id for each in group.access_tokens.list(state="active")] == [made.id]
    with refused(400, {"error": "access_level does not have a valid value"}):
        group.access_tokens.create({"name": "ci", "scopes": ["api"], "access_level": 33})


def test_a_maintainer_gives_no_more_than_the_own_role(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 40})
    tokens = person.client.projects.get(project.id).access_tokens
    with refused(400):
        tokens.create({"name": "ci", "scopes": ["api"], "access_level": 50})
    tokens.create({"name": "ci", "scopes": ["api"], "access_level": 40})


def test_health_and_the_name_of_the_double_need_no_token(double: Double) -> None:
    def read(path: str) -> requests.Response:
        return requests.get(double.url + path, timeout=10)

    assert read("/-/readiness").json()["status"] == "ok"
    assert read("/-/health").text == "GitLab OK"
    assert read("/-/double").json() == {"double": True, "version": "18.5.0-ee"}


def test_an_unknown_address_answers_like_gitlab(double: Double, bot: gitlab.Gitlab) -> None:
    with refused(404, {"error": "404 Not Found"}):
        bot.http_get("/nothing/like/that")


def test_a_body_that_is_no_json_object_is_refused(double: Double) -> None:
    headers = {"PRIVATE-TOKEN": double.bot_token, "Content-Type": "application/json"}
    for body in ("{", "[1]"):
        answer = requests.post(f"{double.url}/api/v4/groups", data=body, headers=headers, timeout=10)
        assert answer.status_code == 400


def test_form_bodies_work_like_json(double: Double, project: Project) -> None:
    headers = {"PRIVATE-TOKEN": double.bot_token}
    address = f"{double.url}/api/v4/projects/{project.id}"
    answer = requests.put(address, data={"topics[]": ["a", "b"]}, headers=headers, timeout=10)
    assert answer.json()["topics"] == ["a", "b"]
    answer = requests.put(address, files={"description": (None, "multipart")}, headers=headers, timeout=10)
    assert answer.json()["description"] == "multipart"


def test_secrets_are_not_kept_in_the_clear(double: Double, person: Person, project: Project) -> None:
    token = project.access_tokens.create({"name": "ci", "scopes": ["api"]}).token
    deploy = project.deploytokens.create({"name": "d", "scopes": ["read_repository"]}).token
    content = b"".join(file.read_bytes() for file in double.data.glob("gitlab.sqlite3*"))
    for secret in (double.root_token, double.bot_token, person.token, token, deploy):
        assert secret.encode() not in content
