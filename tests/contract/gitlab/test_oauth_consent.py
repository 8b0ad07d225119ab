"""``/oauth/authorize``: what people see, and where they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

import gitlab
import pytest

from tests.contract.gitlab.oauth_support import CALLBACK, Client, answer_of, register, s256
from tests.contract.gitlab.page_visitor import Visitor, active_parts, words
from tests.contract.gitlab.support import Double, Person, make_person


@pytest.fixture(scope="module")
def client(root: gitlab.Gitlab, double: Double) -> Client:
    return register(root, double, "read_user openid api")


@pytest.fixture
def stranger(double: Double) -> Iterator[Visitor]:
    made = Visitor(double.url)
    yield made
    made.session.close()


def test_a_stranger_signs_in_first_and_comes_back_with_the_whole_question(
    client: Client, stranger: Visitor, person: Person
) -> None:
    first = client.ask(stranger, scope="read_user", nonce="a/b?c=d")
    assert first.status_code == 303
    form = stranger.session.get(stranger.url + first.headers["location"], timeout=20)
    assert "Personal access token" in form.text
    query = first.headers["location"].partition("return_to=")[2]
    wanted = unquote(query)
    back = stranger.sign_in(person.token, return_to=wanted)
    assert "Authorize" in back.text
    assert dict(parse_qsl(wanted.partition("?")[2])) == client.question(scope="read_user", nonce="a/b?c=d")
    assert back.url.endswith(wanted)


@pytest.mark.parametrize("wanted", ["//evil.example/oauth/authorize", "https://evil.example/", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(stranger: Visitor, person: Person, wanted: str) -> None:
    assert stranger.sign_in(person.token, return_to=wanted).url == f"{stranger.url}/"


def test_the_page_says_who_asks_for_what_and_where_it_leads(
    root: gitlab.Gitlab, double: Double, signed_in: Visitor, person: Person
) -> None:
    client = register(root, double, "read_user openid", name='<b>"Hub"</b>')
    page = client.ask(signed_in, scope="openid read_user", state='"><script>1</script>')
    said = words(page.text)
    assert page.status_code == 200
    for part in ("&lt;b&gt;&#34;Hub&#34;&lt;/b&gt;", person.username, "read your profile", "openid", CALLBACK):
        assert part in said
    assert active_parts(page.text) == []
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self' https:;" in page.headers["content-security-policy"]
    assert client.secret not in page.text


def test_allowing_sends_back_a_code_and_the_state(client: Client, signed_in: Visitor) -> None:
    decided = client.decide(signed_in, scope="read_user")
    answer = answer_of(decided)
    assert set(answer) == {"code", "state"}
    assert answer["state"] == "s & t"
    assert decided.headers["cache-control"] == "no-store"


def test_a_state_may_be_missing(client: Client, signed_in: Visitor) -> None:
    assert set(answer_of(client.decide(signed_in, scope="read_user", state=None))) == {"code"}


def test_denying_sends_back_why(client: Client, signed_in: Visitor) -> None:
    answer = answer_of(client.decide(signed_in, "deny", scope="read_user"))
    assert answer == {
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request.",
        "state": "s & t",
    }


def test_a_query_that_the_address_has_already_stays(root: gitlab.Gitlab, double: Double, signed_in: Visitor) -> None:
    address = f"{CALLBACK}?next=%2Flab&x"
    client = register(root, double, redirect_uri=f"https://other.example/\n{address}")
    location = client.decide(signed_in, scope="read_user", redirect_uri=address).headers["location"]
    assert location.startswith(f"{address}&code=")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "0" * 64}, "Client authentication failed due to unknown client"),
        ({"client_id": None}, "Missing required parameter: client_id."),
        ({"redirect_uri": "https://evil.example/"}, "The redirect URI included is not valid."),
        ({"redirect_uri": f"{CALLBACK}/more"}, "The redirect URI included is not valid."),
        ({"redirect_uri": f"{CALLBACK}?more"}, "The redirect URI included is not valid."),
        ({"redirect_uri": CALLBACK.upper()}, "The redirect URI included is not valid."),
        ({"redirect_uri": None}, "The redirect URI included is not valid."),
    ],
)
def test_who_asks_and_where_it_leads_must_be_right_or_nobody_is_sent_anywhere(
    client: Client, signed_in: Visitor, changes: dict[str, str | None], reason: str
) -> None:
    page = client.ask(signed_in, scope="read_user", **changes)
    assert (page.status_code, "location" in page.headers) == (400, False)
    assert reason in page.text
    fields = client.question(scope="read_user", **changes)
    sent = signed_in.session.post(
        f"{signed_in.url}/oauth/authorize",
        data={"csrf": signed_in.csrf("/"), "decision": "deny", **fields},
        timeout=20,
        allow_redirects=False,
    )
    assert (sent.status_code, "location" in sent.headers) == (400, False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "read_user sudo"}, "invalid_scope"),
        ({"scope": "nothing"}, "invalid_scope"),
        ({"code_challenge": "x"}, "invalid_code_challenge_method"),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, "invalid_code_challenge_method"),
    ],
)
def test_other_mistakes_are_told_to_the_application(
    client: Client, signed_in: Visitor, changes: dict[str, str | None], error: str
) -> None:
    answer = answer_of(client.ask(signed_in, **({"scope": "read_user"} | changes)))
    assert (answer["error"], answer["state"]) == (error, "s & t")
    assert "code" not in answer


def test_an_application_without_a_secret_must_send_a_challenge(
    root: gitlab.Gitlab, double: Double, signed_in: Visitor
) -> None:
    client = register(root, double, confidential=False)
    answer = answer_of(client.ask(signed_in, scope="read_user"))
    assert (answer["error"], answer["error_description"]) == ("invalid_request", "Code challenge is required.")
    pkce = {"code_challenge": s256("v" * 43), "code_challenge_method": "S256"}
    assert "Authorize" in client.ask(signed_in, scope="read_user", **pkce).text


def test_without_a_scope_it_is_api_as_in_gitlab(
    root: gitlab.Gitlab, double: Double, client: Client, signed_in: Visitor
) -> None:
    assert client.tokens(signed_in)["scope"] == "api"
    other = register(root, double, "read_user")
    assert answer_of(other.ask(signed_in))["error"] == "invalid_scope"


def test_consent_is_remembered_for_the_same_scopes_while_a_token_is_there(client: Client, signed_in: Visitor) -> None:
    first = client.tokens(signed_in, scope="read_user openid")
    again = client.ask(signed_in, scope="openid read_user")
    assert client.exchange(answer_of(again)["code"]).status_code == 200
    assert client.ask(signed_in, scope="read_user").status_code == 200, "other scopes are asked for"
    assert client.ask(signed_in, scope="openid read_user", prompt="consent").status_code == 200
    second = client.tokens(signed_in, scope="read_user")
    for token in (first, second):
        client.post("/oauth/revoke", token=token["access_token"])
    assert client.ask(signed_in, scope="read_user").status_code == 200


def test_one_persons_consent_is_not_anothers(
    double: Double, root: gitlab.Gitlab, client: Client, signed_in: Visitor, stranger: Visitor
) -> None:
    client.tokens(signed_in, scope="read_user")
    stranger.sign_in(make_person(double, root).token)
    assert client.ask(stranger, scope="read_user").status_code == 200


def test_an_application_that_must_not_disturb_is_told_that_it_has_to(
    client: Client, signed_in: Visitor, stranger: Visitor
) -> None:
    quiet = {"scope": "openid", "prompt": "none"}
    assert answer_of(client.ask(stranger, **quiet))["error"] == "login_required"
    assert answer_of(client.ask(signed_in, **quiet))["error"] == "consent_required"
    client.tokens(signed_in, scope="openid")
    assert "code" in answer_of(client.ask(signed_in, **quiet))


def test_a_form_of_another_page_allows_nothing(client: Client, signed_in: Visitor) -> None:
    fields = {**client.question(scope="read_user"), "decision": "authorize"}
    for csrf in ({}, {"csrf": "guessed"}):
        sent = signed_in.session.post(
            f"{signed_in.url}/oauth/authorize", data=fields | csrf, timeout=20, allow_redirects=False
        )
        assert (sent.status_code, "location" in sent.headers) == (422, False)


def test_a_form_without_a_decision_allows_nothing(client: Client, signed_in: Visitor) -> None:
    assert answer_of(client.decide(signed_in, "", scope="read_user"))["error"] == "access_denied"


def test_a_token_that_only_reads_does_not_give_away_more(
    double: Double, root: gitlab.Gitlab, client: Client, stranger: Visitor
) -> None:
    stranger.sign_in(make_person(double, root, ("read_api",)).token)
    assert client.ask(stranger, scope="read_user openid").status_code == 200
    page = client.ask(stranger, scope="api")
    assert page.status_code == 403
    assert "was not made for api" in page.text
    assert 'value="authorize"' not in page.text
    forced = client.decide(stranger, scope="api")
    assert (forced.status_code, "location" in forced.headers) == (403, False)
    assert answer_of(client.decide(stranger, "deny", scope="api"))["error"] == "access_denied"


def test_the_page_of_signing_in_may_lead_to_the_application_and_to_no_other(client: Client, stranger: Visitor) -> None:
    for changes, wanted in (({}, "'self' https:"), ({"redirect_uri": "https://evil.example/"}, "'self'")):
        page = stranger.session.get(
            f"{stranger.url}/oauth/authorize", params=client.question(scope="read_user", **changes), timeout=20
        )
        assert "Personal access token" in page.text
        assert f"form-action {wanted};" in page.headers["content-security-policy"]
