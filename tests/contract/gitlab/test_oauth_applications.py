"""Applications: registered, listed, removed; and a database that is older than they are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import gitlab
import pytest
import requests
from sqlalchemy import func, select

from testbed.gitlab.store import Application, Database, User
from testbed.provider.api import Api, Configuration
from testbed.provider.operations import Operations
from testbed.provider.table import RESOURCES
from tests.contract.gitlab.oauth_support import CALLBACK, register
from tests.contract.gitlab.support import Double, Person, fresh, refused

NEW_TABLES = ("oauth_tokens", "oauth_codes", "oauth_applications")


def test_an_administrator_registers_an_application_and_sees_its_secret_once(root: gitlab.Gitlab) -> None:
    name = fresh("hub")
    made = root.applications.create({"name": name, "redirect_uri": CALLBACK, "scopes": "read_user openid"})
    assert (made.application_name, made.callback_url, made.confidential) == (name, CALLBACK, True)
    assert made.secret.startswith("gloas-")
    assert len(made.application_id) == 64
    listed = {each.id: each.attributes for each in root.applications.list(get_all=True)}
    assert listed[made.id]["application_id"] == made.application_id
    assert "secret" not in listed[made.id]
    root.applications.delete(made.id)
    assert made.id not in {each.id for each in root.applications.list(get_all=True)}
    with refused(404, {"message": "404 Application Not Found"}):
        root.applications.delete(made.id)


def test_nobody_else_may(person: Person, root: gitlab.Gitlab, double: Double) -> None:
    client = register(root, double)
    with refused(403):
        person.client.applications.create({"name": "x", "redirect_uri": CALLBACK, "scopes": "api"})
    with refused(403):
        person.client.applications.list()
    with refused(403):
        person.client.applications.delete(client.number)
    with refused(403):
        person.client.http_post(f"/applications/{client.number}/renew-secret")
    with refused(401):
        double.client().applications.list()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"redirect_uri": "hub/callback"}, {"redirect_uri": ["must be an absolute URI."]}),
        ({"redirect_uri": "https:///callback"}, {"redirect_uri": ["must be an absolute URI."]}),
        ({"redirect_uri": "https://x/#here"}, {"redirect_uri": ["cannot contain a fragment."]}),
        ({"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": ["is forbidden by the server."]}),
        ({"redirect_uri": f"{CALLBACK}\nDATA:text/html,x"}, {"redirect_uri": ["is forbidden by the server."]}),
        ({"redirect_uri": "https://x:port/"}, {"redirect_uri": ["must be a valid URI."]}),
        ({"redirect_uri": " "}, {"redirect_uri": ["can't be blank"]}),
        ({"scopes": "api everything"}, {"scopes": ["doesn't match configured on the server."]}),
        (
            {"name": " ", "scopes": "x"},
            {"name": ["can't be blank"], "scopes": ["doesn't match configured on the server."]},
        ),
    ],
)
def test_what_is_wrong_with_an_application_is_said_at_once(
    root: gitlab.Gitlab, changes: dict[str, str], complaint: dict[str, list[str]]
) -> None:
    with refused(400, {"message": complaint}):
        root.applications.create({"name": "x", "redirect_uri": CALLBACK, "scopes": "api"} | changes)


def test_missing_parameters_are_named(root: gitlab.Gitlab) -> None:
    with refused(400, {"error": "name is missing, redirect_uri is missing, scopes is missing"}):
        root.http_post("/applications", post_data={})


def test_a_renewed_secret_replaces_the_old_one(root: gitlab.Gitlab, double: Double) -> None:
    client = register(root, double)
    renewed = root.http_post(f"/applications/{client.number}/renew-secret")
    assert isinstance(renewed, dict)
    assert client.post("/oauth/introspect", token="x").status_code == 401
    client.secret = renewed["secret"]
    assert client.post("/oauth/introspect", token="x").json() == {"active": False}


def test_the_provider_plugin_registers_finds_and_removes_one(root: gitlab.Gitlab, double: Double) -> None:
    resource = RESOURCES["gitlab:index/application:Application"]
    operations = Operations(Api(Configuration(url=double.url, token=double.root_token)))
    inputs = {"name": "by-program", "redirectUrl": CALLBACK, "scopes": ["openid", "email"], "confidential": True}
    made = operations.create(resource, inputs)
    assert made.properties["secret"].startswith("gloas-")
    assert operations.read(resource, made.id, made.properties) == made
    imported = operations.read(resource, made.id, {})
    assert imported is not None
    assert imported.properties["applicationId"] == made.properties["applicationId"]
    operations.delete(resource, made.id, made.properties)
    assert operations.read(resource, made.id, made.properties) is None


def test_no_secret_is_kept(root: gitlab.Gitlab, double: Double) -> None:
    client = register(root, double)
    files = [double.data / f"gitlab.sqlite3{ending}" for ending in ("", "-wal")]
    assert client.uid.encode() in b"".join(file.read_bytes() for file in files)
    assert client.secret.encode() not in b"".join(file.read_bytes() for file in files)


def test_no_group_takes_the_place_of_the_addresses(root: gitlab.Gitlab) -> None:
    for path in ("oauth", ".well-known"):
        with refused(400, {"message": {"path": [f"{path} is a reserved name"]}}):
            root.groups.create({"name": "taken", "path": path})


def test_a_database_from_before_gets_the_tables_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "gitlab.sqlite3"
    Database(file).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        for table in NEW_TABLES:
            connection.execute(f"DROP TABLE {table}")
    database = Database(file)
    with database.write() as session:
        session.add(User(username="kept", name="Kept", email="kept@example.com"))
    database.close()
    reopened = Database(file)
    with reopened.read() as session:
        assert session.scalar(select(User.username)) == "kept"
        assert session.scalar(select(func.count(Application.id))) == 0
    reopened.close()


def test_discovery_leads_to_everything(double: Double) -> None:
    found = requests.get(f"{double.url}/.well-known/openid-configuration", timeout=20).json()
    assert found["issuer"] == double.url
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert requests.post(found[name], data={}, timeout=20).status_code in (200, 400, 401)
    assert requests.get(found["userinfo_endpoint"], timeout=20).status_code == 401
    (key,) = requests.get(found["jwks_uri"], timeout=20).json()["keys"]
    assert set(key) == {"alg", "e", "kid", "kty", "n", "use"}
    assert "Sign in" in requests.get(found["authorization_endpoint"], timeout=20).text
    assert {"openid", "email", "read_user"} <= set(found["scopes_supported"])
