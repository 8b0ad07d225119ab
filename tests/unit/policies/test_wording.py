"""What a name, a text and an address give away."""

from __future__ import annotations

import pytest

from components.invariants.wording import (
    address_is_encrypted,
    address_without_credentials,
    has_credentials,
    is_secret_name,
    secret_in,
)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "API_TOKEN",
            "apiToken",
            "GITLAB_TOKENS",
            "DB_PASSWORD",
            "dbPasswd",
            "PWD",
            "client-secret",
            "SSH_PRIVATE_KEY",
        ),
        *(
            "SSH_PRIVATE_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "api_key",
            "signingKey",
            "DEPLOY_KEY_2",
            "GPG_PASSPHRASE",
            "registryCredentials",
        ),
    ],
)
def test_these_names_are_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "LEVEL", "REGISTRY_MIRROR", "TOKEN_FILE", "tokenUrl", "SECRET_NAME", "secretRef", "PASSWORD_FILE", "KEY"),
        *("TOKENIZER", "MONKEY", "PUBLIC_KEY", "PRIVATE_KEY_FILE", "CREDENTIAL_PATH", "sshAuth"),
    ],
)
def test_these_are_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        *("glpat-0123456789abcdef", "x glrt-t1_0123456789", "gldt-0123456789", "AKIAIOSFODNN7EXAMPLE"),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
        ),
    ],
)
def test_a_secret_is_known_by_its_form_and_not_repeated(text: str) -> None:
    kind = secret_in(f"before {text} after")
    assert kind is not None
    assert text not in kind


@pytest.mark.parametrize("text", ["", "glpat-short", "-----BEGIN CERTIFICATE-----", "a: 1", "AKIA", "$GITLAB_TOKEN"])
def test_ordinary_text_is_none(text: str) -> None:
    assert secret_in(text) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pass@gitlab.example/a.git?private_token=x#y", "https://gitlab.example/a.git"),
        ("git@gitlab.example:a.git", "gitlab.example:a.git"),
        ("https://me:pass@[gitlab", "[gitlab"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    assert address_without_credentials(address) == shown


@pytest.mark.parametrize("address", ["https://a:b@c", "https://token@c", "ssh://git:pass@c/d", "http://a@[b"])
def test_an_address_with_a_password_or_token_is_found(address: str) -> None:
    assert has_credentials(address)


@pytest.mark.parametrize("address", ["https://c/d", "ssh://git@c/d", "git@c:d.git", "", "https://c/a@b"])
def test_an_address_without_is_none(address: str) -> None:
    assert not has_credentials(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "https://c",
            "ssh://git@c/d",
            "git@c:d.git",
            "oci://c/d",
            "http://127.0.0.1:1/",
            "http://127.8.0.1",
            "http://[::1]",
        ),
        *(
            "http://localhost:8080",
            "http://gitlab.localhost",
            "http://argocd.argocd.svc",
            "http://a.b.svc.cluster.local",
        ),
    ],
)
def test_these_addresses_are_encrypted_or_stay_here(address: str) -> None:
    assert address_is_encrypted(address)


@pytest.mark.parametrize(
    "address",
    [
        *("http://c", "git://c/d", "ws://c", "ftp://c", "http://10.0.0.1", "http://localhost.example.org", "http://"),
        *("http://[c", "http://svc", "http://127.0.0.1.example.org"),
    ],
)
def test_these_are_not_encrypted(address: str) -> None:
    assert not address_is_encrypted(address)
