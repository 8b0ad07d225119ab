"""What the token of an application opens: the API, Git, the registry; each as far as its scopes go."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import gitlab
import pytest
import requests
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.oauth_support import Client, register
from tests.contract.gitlab.page_visitor import Visitor
from tests.contract.gitlab.support import Double, Git, Person

EVERYTHING = "api read_api read_user read_repository write_repository read_registry openid profile email"


@pytest.fixture(scope="module")
def client(root: gitlab.Gitlab, double: Double) -> Client:
    return register(root, double, EVERYTHING)


def test_the_unmodified_client_takes_the_token(client: Client, signed_in: Visitor, person: Person) -> None:
    token = client.tokens(signed_in, scope="read_user")["access_token"]
    opened = gitlab.Gitlab(client.double.url, oauth_token=token)
    opened.auth()
    assert opened.user is not None
    assert opened.user.username == person.username
    assert opened.version() == ("18.5.0-ee", "double")
    assert opened.users.list(username=person.username)[0].id == person.id
    opened.session.close()


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("api", [200, 200, 200, 201]),
        ("read_api", [200, 200, 200, 403]),
        ("read_user", [200, 200, 403, 403]),
        ("openid profile email", [403, 403, 403, 403]),
        ("read_repository", [403, 403, 403, 403]),
        ("write_repository", [403, 403, 403, 403]),
    ],
)
def test_scopes_say_what_the_api_opens(
    client: Client, signed_in: Visitor, person: Person, scope: str, statuses: list[int]
) -> None:
    token = client.tokens(signed_in, scope=scope)["access_token"]
    found = [client.with_token(f"/api/v4/{path}", token).status_code for path in ("user", "version", "projects")]
    made = requests.post(
        f"{client.double.url}/api/v4/projects",
        data={"name": "from-an-application"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    assert [*found, made.status_code] == statuses


def test_the_token_may_be_a_parameter_but_is_no_private_token(client: Client, signed_in: Visitor) -> None:
    address = f"{client.double.url}/api/v4/user"
    tokens = client.tokens(signed_in, scope="read_user")
    token = tokens["access_token"]
    assert requests.get(address, params={"access_token": token}, timeout=20).status_code == 200
    assert requests.get(address, headers={"PRIVATE-TOKEN": token}, timeout=20).status_code == 401
    assert requests.get(address, params={"access_token[]": token}, timeout=20).status_code == 401
    assert client.with_token("/api/v4/user", tokens["refresh_token"]).status_code == 401


def test_an_ended_token_says_so(client: Client, signed_in: Visitor, person: Person, root: gitlab.Gitlab) -> None:
    token = client.tokens(signed_in, scope="read_user")["access_token"]
    client.age(token, hours=2)
    said = client.with_token("/api/v4/user", token)
    assert said.status_code == 401
    assert said.json() == {
        "error": "invalid_token",
        "error_description": "Token is expired. You can either do re-authorization or token refresh.",
    }
    token = client.tokens(signed_in, scope="openid read_user")["access_token"]
    root.users.get(person.id).block()
    assert client.with_token("/api/v4/user", token).status_code == 403
    root.users.get(person.id).unblock()


def test_an_application_does_no_more_than_the_person_may(client: Client, signed_in: Visitor, project: Project) -> None:
    token = client.tokens(signed_in, scope="api")["access_token"]
    assert client.with_token(f"/api/v4/projects/{project.id}", token).status_code == 404
    assert client.with_token("/api/v4/applications", token).status_code == 403


def test_a_token_is_not_a_personal_one(client: Client, signed_in: Visitor) -> None:
    token = client.tokens(signed_in, scope="api")["access_token"]
    assert client.with_token("/api/v4/personal_access_tokens/self", token).status_code == 400
    signed_in.session.cookies.clear()
    assert "not a personal access token" in signed_in.sign_in(token).text


def test_git_takes_the_token_as_far_as_its_scopes_go(
    client: Client, signed_in: Visitor, person: Person, project: Project, tmp_path: Path
) -> None:
    project.members.create({"user_id": person.id, "access_level": 40})
    path = project.path_with_namespace
    scopes = ("api", "write_repository", "read_repository", "read_user")
    given = {scope: client.tokens(signed_in, scope=scope)["access_token"] for scope in scopes}
    git = Git(tmp_path)
    remotes = {scope: client.double.remote(path, token) for scope, token in given.items()}
    fetched = {scope: git.run("ls-remote", remote).returncode for scope, remote in remotes.items()}
    assert fetched == {"api": 0, "write_repository": 0, "read_repository": 0, "read_user": 128}
    git("clone", "--quiet", remotes["read_repository"], "clone")
    clone = Git(tmp_path / "clone")
    clone("checkout", "--quiet", "-b", "more")
    clone.commit("more", "x")
    pushed = {scope: clone.run("push", remote, "HEAD:more").returncode == 0 for scope, remote in remotes.items()}
    assert pushed == {
        "api": True,
        "write_repository": True,
        "read_repository": False,
        "read_user": False,
    }


@pytest.mark.parametrize(("scope", "pulls"), [("read_registry", True), ("read_user", False)])
def test_the_registry_takes_the_token_as_far_as_its_scopes_go(
    client: Client, signed_in: Visitor, person: Person, project: Project, scope: str, pulls: bool
) -> None:
    project.members.create({"user_id": person.id, "access_level": 40})
    token = client.tokens(signed_in, scope=scope)["access_token"]
    wanted = {"service": "container_registry", "scope": f"repository:{project.path_with_namespace}:pull"}
    answer = requests.get(f"{client.double.url}/jwt/auth", params=wanted, auth=(person.username, token), timeout=20)
    body = answer.json()["token"].split(".")[1]
    access = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["access"]
    assert bool(access) == pulls


def test_what_jupyterhub_asks_is_answered(client: Client, signed_in: Visitor, person: Person, group: Group) -> None:
    group.members.create({"user_id": person.id, "access_level": 30})
    token = client.tokens(signed_in, scope="read_api")["access_token"]
    user = client.with_token("/api/v4/user", token).json()
    assert (user["username"], user["id"]) == (person.username, person.id)
    assert client.with_token("/api/v4/version", token).json()["version"] == "18.5.0-ee"
    assert client.with_token(f"/api/v4/groups/{group.full_path}/members/all/{person.id}", token).status_code == 200
    assert client.with_token(f"/api/v4/groups/{group.full_path}/members/all/1", token).status_code == 404
