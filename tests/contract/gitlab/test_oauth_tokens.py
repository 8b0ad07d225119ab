"""``/oauth/token`` and its neighbours, as programs call them."""

from __future__ import annotations

import time
from typing import Any

import gitlab
import pytest
import requests
from sqlalchemy import select

from testbed.gitlab.core.tokens import digest
from testbed.gitlab.oauth.ending import drop_ended
from testbed.gitlab.store import AuthorizationCode, OAuthToken
from tests.contract.gitlab.oauth_support import CALLBACK, Client, opened, register, s256
from tests.contract.gitlab.page_visitor import Visitor
from tests.contract.gitlab.support import Double, Person

VERIFIER = "a-verifier-of-at-least-forty-three-characters"


@pytest.fixture(scope="module")
def client(root: gitlab.Gitlab, double: Double) -> Client:
    return register(root, double, "read_user openid email profile api")


@pytest.fixture(scope="module")
def public(root: gitlab.Gitlab, double: Double) -> Client:
    return register(root, double, "read_user", confidential=False)


def refused_as(answer: requests.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert f'error="{error}"' in answer.headers["www-authenticate"]
    assert answer.headers["cache-control"] == "no-store"


def opens(client: Client, tokens: dict[str, Any]) -> bool:
    return client.with_token("/api/v4/user", tokens["access_token"]).status_code == 200


def test_a_code_becomes_a_token(client: Client, signed_in: Visitor, person: Person) -> None:
    answer = client.exchange(client.code(signed_in, scope="read_user"))
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 7200, "read_user")
    assert abs(tokens["created_at"] - time.time()) < 60
    assert answer.headers["cache-control"] == "no-store"
    assert client.with_token("/api/v4/user", tokens["access_token"]).json()["username"] == person.username


def test_a_client_may_prove_itself_with_basic_authentication_or_json(client: Client, signed_in: Visitor) -> None:
    sent = {"grant_type": "authorization_code", "code": client.code(signed_in, scope="read_user")}
    sent["redirect_uri"] = CALLBACK
    address, name = f"{client.double.url}/oauth/token", (client.uid, client.secret)
    assert requests.post(address, data=sent, auth=(client.uid, "wrong"), timeout=20).status_code == 401
    assert requests.post(address, data=sent, auth=name, timeout=20).status_code == 200
    known = {"client_id": client.uid, "client_secret": client.secret}
    sent["code"] = client.code(signed_in, scope="read_user openid")
    assert requests.post(address, json=known | sent, timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "0" * 64}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"redirect_uri": f"{CALLBACK}/other"}, 400, "invalid_grant"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"code": "0" * 64}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code_verifier": VERIFIER}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_exchange_is_refused_and_the_code_stays_good(
    client: Client, signed_in: Visitor, changes: dict[str, str], status: int, error: str
) -> None:
    code = client.code(signed_in, scope="read_user")
    refused_as(client.exchange(**({"code": code} | changes)), status, error)
    assert client.exchange(code).status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic ???", "Basic //4=", "Basic \xe9", "Bearer x"])
def test_a_header_that_cannot_be_read_is_no_client(client: Client, header: str) -> None:
    answer = requests.post(
        f"{client.double.url}/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": "x"},
        headers={"Authorization": header},
        timeout=20,
    )
    refused_as(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"x" * 20_000, "application/x-www-form-urlencoded")],
)
def test_a_body_that_makes_no_sense_is_refused(double: Double, body: bytes, kind: str) -> None:
    answer = requests.post(f"{double.url}/oauth/token", data=body, headers={"Content-Type": kind}, timeout=20)
    refused_as(answer, 400, "invalid_request")


def test_halves_of_characters_match_nothing(client: Client) -> None:
    answer = requests.post(
        f"{client.double.url}/oauth/token",
        data=b'{"grant_type": "refresh_token", "client_id": "\\ud800", "refresh_token": "\\ud800"}',
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    refused_as(answer, 401, "invalid_client")


def test_a_code_that_comes_twice_ends_what_came_of_it(client: Client, signed_in: Visitor) -> None:
    code = client.code(signed_in, scope="read_user")
    tokens = client.exchange(code).json()
    successor = client.refresh(tokens["refresh_token"]).json()
    assert opens(client, successor)
    refused_as(client.exchange(code), 400, "invalid_grant")
    assert not opens(client, successor)
    refused_as(client.refresh(successor["refresh_token"]), 400, "invalid_grant")


def test_another_clients_code_is_worth_nothing_and_does_no_harm(
    root: gitlab.Gitlab, double: Double, client: Client, signed_in: Visitor
) -> None:
    other = register(root, double)
    code = client.code(signed_in, scope="read_user")
    refused_as(other.exchange(code), 400, "invalid_grant")
    tokens = client.exchange(code).json()
    refused_as(other.exchange(code), 400, "invalid_grant")
    assert opens(client, tokens)


def test_a_code_is_good_for_ten_minutes(client: Client, signed_in: Visitor) -> None:
    code = client.code(signed_in, scope="read_user")
    client.age(code, minutes=9, seconds=50)
    assert client.exchange(code).status_code == 200
    code = client.code(signed_in, scope="read_user openid")
    client.age(code, minutes=10)
    refused_as(client.exchange(code), 400, "invalid_grant")


@pytest.mark.parametrize(("method", "challenge"), [("S256", s256(VERIFIER)), ("plain", VERIFIER)])
def test_whoever_sent_a_challenge_has_to_have_the_answer(
    client: Client, public: Client, signed_in: Visitor, method: str, challenge: str
) -> None:
    for asking in (client, public):
        pkce = {"code_challenge": challenge, "code_challenge_method": method}
        code = asking.code(signed_in, scope="read_user", prompt="consent", **pkce)
        refused_as(asking.exchange(code), 400, "invalid_request")
        refused_as(asking.exchange(code, code_verifier=f"{VERIFIER}!"), 400, "invalid_grant")
        assert asking.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_client_without_a_secret_needs_none_but_a_wrong_one_is_wrong(public: Client, signed_in: Visitor) -> None:
    pkce = {"code_challenge": s256(VERIFIER), "code_challenge_method": "S256"}
    code = public.code(signed_in, scope="read_user", **pkce)
    refused_as(public.exchange(code, code_verifier=VERIFIER, client_secret="wrong"), 401, "invalid_client")
    tokens = public.exchange(code, code_verifier=VERIFIER, client_secret="").json()
    assert public.refresh(tokens["refresh_token"], client_secret="").status_code == 200
    again = public.ask(signed_in, scope="read_user", **pkce)
    assert "<form" in again.text, "whoever says that it is this client may be another one"


def test_a_refresh_replaces_both_tokens(client: Client, signed_in: Visitor) -> None:
    old = client.tokens(signed_in, scope="read_user")
    client.age(old["access_token"], hours=2)
    assert not opens(client, old)
    new = client.refresh(old["refresh_token"]).json()
    assert opens(client, new)
    assert (new["scope"], new["expires_in"]) == ("read_user", 7200)
    assert {new["access_token"], new["refresh_token"]}.isdisjoint({old["access_token"], old["refresh_token"]})
    refused_as(client.refresh(old["refresh_token"]), 400, "invalid_grant")
    assert opens(client, new), "a client that refreshes twice at once keeps what it got first"


def test_a_refresh_may_ask_for_less_but_not_for_more(client: Client, signed_in: Visitor) -> None:
    tokens = client.tokens(signed_in, scope="read_user openid")
    refused_as(client.refresh(tokens["refresh_token"], scope="api"), 400, "invalid_scope")
    assert client.refresh(tokens["refresh_token"], scope="openid").json()["scope"] == "openid"


@pytest.mark.parametrize(("token", "error"), [("", "invalid_request"), ("0" * 64, "invalid_grant")])
def test_a_refresh_token_that_is_none_is_refused(client: Client, token: str, error: str) -> None:
    refused_as(client.refresh(token), 400, error)


def test_another_clients_refresh_token_is_worth_nothing(
    root: gitlab.Gitlab, double: Double, client: Client, signed_in: Visitor
) -> None:
    tokens = client.tokens(signed_in, scope="read_user")
    refused_as(register(root, double).refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert opens(client, tokens)


def test_a_blocked_user_gets_no_tokens(root: gitlab.Gitlab, client: Client, signed_in: Visitor, person: Person) -> None:
    code = client.code(signed_in, scope="read_user")
    tokens = client.tokens(signed_in, scope="openid")
    root.users.get(person.id).block()
    refused_as(client.exchange(code), 400, "invalid_grant")
    refused_as(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert client.with_token("/oauth/userinfo", tokens["access_token"]).status_code == 401
    assert client.post("/oauth/introspect", token=tokens["access_token"]).json() == {"active": False}
    root.users.get(person.id).unblock()


def test_a_user_and_an_application_take_their_tokens_with_them(
    root: gitlab.Gitlab, double: Double, signed_in: Visitor, person: Person
) -> None:
    gone = register(root, double)
    tokens = gone.tokens(signed_in, scope="read_user")
    root.applications.delete(gone.number)
    assert not opens(gone, tokens)
    stays = register(root, double)
    tokens = stays.tokens(signed_in, scope="read_user")
    root.users.delete(person.id)
    assert not opens(stays, tokens)


def test_an_id_token_says_who_signed_in_and_is_signed(client: Client, signed_in: Visitor, person: Person) -> None:
    tokens = client.tokens(signed_in, scope="openid email", nonce="once")
    said = opened(client.double, tokens["id_token"])
    assert (said["iss"], said["aud"], said["sub"]) == (client.double.url, client.uid, str(person.id))
    assert (said["nonce"], said["exp"] - said["iat"]) == ("once", 120)
    assert (said["preferred_username"], said["nickname"]) == (person.username, person.username)
    assert (said["email"], said["email_verified"]) == (f"{person.username}@example.com", True)
    assert "nonce" not in opened(client.double, client.refresh(tokens["refresh_token"]).json()["id_token"])


def test_userinfo_says_who_signed_in_and_where_they_belong(
    root: gitlab.Gitlab, bot: gitlab.Gitlab, client: Client, signed_in: Visitor, person: Person, group: Any
) -> None:
    below = bot.groups.create({"name": "below", "path": "below", "parent_id": group.id})
    group.members.create({"user_id": person.id, "access_level": 30})
    tokens = client.tokens(signed_in, scope="openid")
    said = client.with_token("/oauth/userinfo", tokens["access_token"]).json()
    assert (said["sub"], said["nickname"]) == (str(person.id), person.username)
    assert said["groups"] == [group.full_path, below.full_path]
    assert said["https://gitlab.org/claims/groups/developer"] == [group.full_path]
    assert not {"email", "https://gitlab.org/claims/groups/owner"} & said.keys()
    assert opened(client.double, tokens["id_token"])["groups_direct"] == [group.full_path]


def test_userinfo_is_for_signing_in_alone(client: Client, signed_in: Visitor) -> None:
    tokens = client.tokens(signed_in, scope="read_user")
    refused_as(client.with_token("/oauth/userinfo", tokens["access_token"]), 403, "insufficient_scope")
    refused_as(client.with_token("/oauth/userinfo", tokens["refresh_token"]), 401, "invalid_token")
    refused_as(client.with_token("/oauth/userinfo", "nothing"), 401, "invalid_token")


def test_revoking_ends_both_tokens_and_may_be_repeated(client: Client, signed_in: Visitor) -> None:
    for kind in ("access_token", "refresh_token"):
        tokens = client.tokens(signed_in, scope="read_user")
        for _ in range(2):
            answer = client.post("/oauth/revoke", token=tokens[kind])
            assert (answer.status_code, answer.json()) == (200, {})
        said = client.with_token("/api/v4/user", tokens["access_token"])
        assert (said.status_code, said.json()["error"]) == (401, "invalid_token")
        refused_as(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert client.post("/oauth/revoke", token="never was").json() == {}


def test_others_may_not_revoke(root: gitlab.Gitlab, double: Double, client: Client, signed_in: Visitor) -> None:
    tokens = client.tokens(signed_in, scope="read_user")
    answer = register(root, double).post("/oauth/revoke", token=tokens["access_token"])
    refused_as(answer, 403, "unauthorized_client")
    answer = requests.post(f"{double.url}/oauth/revoke", data={"token": tokens["access_token"]}, timeout=20)
    refused_as(answer, 403, "unauthorized_client")
    assert opens(client, tokens)


def test_introspection_tells_the_client_of_a_token_and_nobody_else(
    root: gitlab.Gitlab, double: Double, client: Client, signed_in: Visitor
) -> None:
    tokens = client.tokens(signed_in, scope="read_user")
    said = client.post("/oauth/introspect", token=tokens["access_token"]).json()
    assert (said["active"], said["scope"], said["client_id"]) == (True, "read_user", client.uid)
    assert (said["token_type"], said["exp"] - said["iat"]) == ("Bearer", 7200)
    assert "exp" not in client.post("/oauth/introspect", token=tokens["refresh_token"]).json()
    other = register(root, double)
    assert other.post("/oauth/introspect", token=tokens["access_token"]).json() == {"active": False}
    nobody = requests.post(f"{double.url}/oauth/introspect", data={"token": tokens["access_token"]}, timeout=20)
    refused_as(nobody, 401, "invalid_token")
    client.age(tokens["access_token"], hours=2)
    assert client.post("/oauth/introspect", token=tokens["access_token"]).json() == {"active": False}


def test_a_token_tells_about_itself(client: Client, signed_in: Visitor, person: Person) -> None:
    tokens = client.tokens(signed_in, scope="read_user")
    said = client.with_token("/oauth/token/info", tokens["access_token"]).json()
    assert (said["resource_owner_id"], said["scope"]) == (person.id, ["read_user"])
    assert said["application"] == {"uid": client.uid}
    assert 7100 < said["expires_in"] == said["expires_in_seconds"] <= 7200
    by_parameter = requests.get(
        f"{client.double.url}/oauth/token/info", params={"access_token": tokens["access_token"]}, timeout=20
    )
    assert by_parameter.status_code == 200
    refused_as(client.with_token("/oauth/token/info", "nothing"), 400, "invalid_request")


def test_only_digests_are_kept(client: Client, signed_in: Visitor) -> None:
    code = client.code(signed_in, scope="read_user")
    tokens = client.exchange(code).json()
    files = [client.double.data / f"gitlab.sqlite3{ending}" for ending in ("", "-wal")]
    kept = b"".join(file.read_bytes() for file in files)
    assert digest(tokens["access_token"]).encode() in kept
    for secret in (code, tokens["access_token"], tokens["refresh_token"]):
        assert secret.encode() not in kept


def test_what_has_ended_is_cleaned_up_and_what_may_go_on_is_kept(
    double: Double, client: Client, signed_in: Visitor
) -> None:
    old, revoked, waiting, alive = (client.code(signed_in, scope="read_user", prompt="consent") for _ in range(4))
    given = {code: client.exchange(code).json()["access_token"] for code in (old, revoked, waiting, alive)}
    client.post("/oauth/revoke", token=given[revoked])
    client.age(given[old], days=31)
    client.age(given[revoked], days=2)
    client.age(given[waiting], days=20)
    for code in (old, revoked):
        client.age(code, days=2)
    drop_ended(double.forge)
    with double.forge.database.read() as session:
        codes = set(session.scalars(select(AuthorizationCode.digest)))
        tokens = set(session.scalars(select(OAuthToken.digest)))
    assert [digest(code) in codes for code in (old, revoked, waiting, alive)] == [False, False, True, True]
    assert [digest(given[code]) in tokens for code in (old, revoked, waiting, alive)] == [False, False, True, True]
