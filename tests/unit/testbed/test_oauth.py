"""The pure parts of signing people in for other programs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from testbed.gitlab.oauth.clients import credentials
from testbed.gitlab.oauth.pkce import proves
from testbed.gitlab.oauth.redirects import form_action, problem, with_answer
from testbed.gitlab.oauth.scopes import SCOPES, beyond, split
from testbed.gitlab.signing_key import SigningKey

# From appendix B of RFC 7636.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("challenge", "method", "verifier", "good"),
    [
        (CHALLENGE, "S256", VERIFIER, True),
        (CHALLENGE, "S256", CHALLENGE, False),
        (CHALLENGE, "plain", CHALLENGE, True),
        (CHALLENGE, "plain", VERIFIER, False),
        (CHALLENGE, "S256", None, False),
        (CHALLENGE, "S256", "", False),
        (CHALLENGE, "S256", "ü", False),
        (None, None, None, True),
        (None, None, VERIFIER, False),
        ("", "S256", "", True),
    ],
)
def test_a_verifier_proves_what_its_challenge_says(
    challenge: str | None, method: str | None, verifier: str | None, good: bool
) -> None:
    assert proves(challenge, method, verifier) is good


@pytest.mark.parametrize(
    "address",
    [
        "https://hub/cb",
        "http://127.0.0.1:8000/cb?a=b",
        "http://[::1]:8000/",
        "org.example.app:/cb",
        "https://a/\nhttps://b/",
    ],
)
def test_good_addresses_are_taken(address: str) -> None:
    assert problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/cb",
        "hub/cb",
        "//hub/cb",
        "https://",
        "https://h/#",
        "JavaScript:1",
        "data:x",
        "https://hü/",
        "http://[::1/",
    ],
)
def test_bad_addresses_are_not(address: str) -> None:
    assert problem(address)
    assert problem(f"https://good/\n{address or '//'}")


def test_an_answer_is_added_to_an_address_as_it_is() -> None:
    assert with_answer("https://h/cb", {"code": "c", "state": None}) == "https://h/cb?code=c"
    assert (
        with_answer("https://h/cb?a=%2F&b", {"code": "c", "state": "x y&z"})
        == "https://h/cb?a=%2F&b&code=c&state=x+y%26z"
    )
    assert with_answer("app:/cb", {"code": "c"}) == "app:/cb?code=c"


def test_a_form_may_lead_to_the_scheme_of_the_address() -> None:
    assert form_action("http://h:1/cb") == "'self' http:"
    assert form_action("org.example.app:/cb") == "'self' org.example.app:"


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        (["api"], {"sudo", "admin_mode"}),
        (["api", "sudo", "admin_mode"], set()),
        (["read_api"], set(SCOPES) - {"read_api", "read_user", "openid", "profile", "email"}),
        (
            ["read_api", "read_repository"],
            set(SCOPES) - {"read_api", "read_user", "openid", "profile", "email", "read_repository"},
        ),
        ([], set(SCOPES)),
    ],
)
def test_nobody_gives_away_more_than_they_have(own: list[str], kept: set[str]) -> None:
    assert set(beyond(SCOPES, own)) == kept


def test_scopes_are_split_in_their_order_each_once() -> None:
    assert split(" openid  email openid\n") == ["openid", "email"]


@pytest.mark.parametrize(
    ("header", "sent", "found"),
    [
        ("Basic bmFtZTpzOmVjcmV0", {"client_id": "other"}, ("name", "s:ecret")),
        ("Basic !", {"client_id": "other"}, ("", "")),
        ("Bearer x", {"client_id": "name", "client_secret": "s"}, ("name", "s")),
        ("", {"client_id": "name"}, ("name", "")),
        ("", {"client_secret": "s"}, None),
    ],
)
def test_credentials_are_found_where_clients_put_them(
    header: str, sent: dict[str, str], found: tuple[str, str] | None
) -> None:
    assert credentials(header, sent) == found


def test_a_signing_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "openid.key"
    made, read = SigningKey(file), SigningKey(file)
    assert made.public == read.public
    assert "d" not in made.public, "the private half"
    assert made.name == made.public["kid"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_another_kind_of_key_is_named(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    file = tmp_path / "openid.key"
    key = ed25519.Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    with pytest.raises(TypeError, match="no RSA key"):
        SigningKey(file)
