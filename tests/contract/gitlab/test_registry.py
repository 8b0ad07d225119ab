"""Tokens for the container registry."""

from __future__ import annotations

import base64
import json
import stat
from typing import Any

import gitlab
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, make_person, refused

Credentials = tuple[str, str] | None


def ask(double: Double, credentials: Credentials, *scopes: str, service: str = "container_registry") -> Any:
    """The answer to a client that wants to do something in the registry."""
    query: list[tuple[str, str]] = [("service", service), *(("scope", scope) for scope in scopes)]
    return requests.get(f"{double.url}/jwt/auth", params=query, auth=credentials, timeout=20)


def opened(double: Double, answer: requests.Response) -> dict[str, Any]:
    """What a token says, after its signature was checked as a registry does."""
    assert answer.status_code == 200, answer.text
    head, body, signature = answer.json()["token"].split(".")
    key = x509.load_pem_x509_certificate((double.data / "registry.crt").read_bytes()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(_bytes(head))["alg"] == "RS256"
    found: dict[str, Any] = json.loads(_bytes(body))
    return found


def granted(double: Double, credentials: Credentials, project: Project, actions: str = "pull,push") -> list[str]:
    """What a token allows in a project's repository."""
    path = project.path_with_namespace
    access = opened(double, ask(double, credentials, f"repository:{path}:{actions}"))["access"]
    return list(access[0]["actions"]) if access else []


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_says_what_is_allowed_and_is_signed(double: Double, shared: Project) -> None:
    path = shared.path_with_namespace
    answer = ask(double, ("bighpc-bot", double.bot_token), f"repository:{path}/image:pull,push", "registry:catalog:*")
    token = opened(double, answer)
    assert token["access"] == [{"type": "repository", "name": f"{path}/image", "actions": ["pull", "push"]}]
    assert (token["aud"], token["sub"]) == ("container_registry", "bighpc-bot")
    assert token["exp"] - token["iat"] == 300
    assert stat.S_IMODE((double.data / "registry.key").stat().st_mode) == 0o600


def test_a_login_is_checked(double: Double) -> None:
    assert opened(double, ask(double, ("bighpc-bot", double.bot_token)))["access"] == []
    answer = ask(double, ("bighpc-bot", "wrong"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    answer = ask(double, None)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")
    assert ask(double, None, service="other").status_code == 404


@pytest.mark.parametrize(
    ("level", "actions"), [(10, []), (20, ["pull"]), (30, ["pull", "push"]), (40, ["pull", "push"])]
)
def test_a_role_decides(double: Double, project: Project, person: Person, level: int, actions: list[str]) -> None:
    project.members.create({"user_id": person.id, "access_level": level})
    assert granted(double, (person.username, person.token), project) == actions


def test_strangers_pull_what_is_public(double: Double, group: Group, project: Project, person: Person) -> None:
    assert granted(double, None, project) == granted(double, (person.username, person.token), project) == []
    group.visibility = project.visibility = "public"
    group.save()
    project.save()
    assert granted(double, None, project) == granted(double, (person.username, person.token), project) == ["pull"]


@pytest.mark.parametrize(
    ("scopes", "actions"),
    [(("read_registry",), ["pull"]), (("read_registry", "write_registry"), ["pull", "push"]), (("read_api",), [])],
)
def test_a_personal_token_allows_what_it_was_made_for(
    double: Double, root: gitlab.Gitlab, project: Project, scopes: tuple[str, ...], actions: list[str]
) -> None:
    person = make_person(double, root, scopes)
    project.members.create({"user_id": person.id, "access_level": 40})
    assert granted(double, (person.username, person.token), project, "pull,push,*") == actions


def test_a_deploy_token_opens_its_own_project(double: Double, project: Project, shared: Project) -> None:
    reads = project.deploytokens.create({"name": "r", "scopes": ["read_registry"]})
    both = project.deploytokens.create({"name": "w", "scopes": ["read_registry", "write_registry"]})
    assert granted(double, (reads.username, reads.token), project) == ["pull"]
    assert granted(double, (both.username, both.token), project) == ["pull", "push"]
    assert granted(double, (both.username, both.token), shared) == []
    assert ask(double, ("somebody", reads.token)).status_code == 401


def test_an_archived_project_takes_no_images(double: Double, project: Project) -> None:
    project.archive()
    assert granted(double, ("bighpc-bot", double.bot_token), project) == ["pull"]
    project.unarchive()
    project.container_registry_access_level = "disabled"
    project.save()
    assert granted(double, ("bighpc-bot", double.bot_token), project) == []


def test_no_repositories_are_listed(project: Project, group: Group, person: Person, double: Double) -> None:
    assert project.repositories.list() == []
    assert group.registry_repositories.list() == []
    with refused(404):
        person.client.projects.get(project.id, lazy=True).repositories.list()
    with refused(401):
        double.client().http_list(f"/projects/{project.id}/registry/repositories")
