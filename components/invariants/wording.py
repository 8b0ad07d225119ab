"""What a text gives away: secrets by their name or their form, and where an address leads."""

from __future__ import annotations

import re
from ipaddress import ip_address
from itertools import pairwise
from typing import Final
from urllib.parse import SplitResult, urlsplit

__all__ = ["address_is_encrypted", "address_without_credentials", "has_credentials", "is_secret_name", "secret_in"]

_SECRET_WORDS: Final = frozenset(
    {"token", "tokens", "secret", "secrets", "password", "passwd", "passphrase", "pwd", "credential", "credentials"}
)
_SECRET_KEYS: Final = frozenset({"private", "api", "access", "signing", "deploy", "secret", "encryption"})
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_REFERENCES: Final = frozenset({"name", "file", "path", "ref", "url", "id", "type", "key", "header", "username"})
"""A name that ends in one of these tells where a secret is, not what it is."""

_SECRET_FORMS: Final = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a GitLab token": re.compile(r"\b(?:glpat|gldt|glrt|glagent|glptt|glcbt|glsoat|glft)-[\w.-]{8,}"),
    "an access key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
}


def is_secret_name(name: str) -> bool:
    """Whether the name of a variable or setting says that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word in _SECRET_KEYS and following == "key" for word, following in pairwise(words)):
        return words[-1] == "key" or words[-1] not in _REFERENCES
    return bool(words) and words[-1] not in _REFERENCES and not _SECRET_WORDS.isdisjoint(words)


def secret_in(text: str) -> str | None:
    """Return what kind of secret a text contains by its form, if any; never the secret."""
    return next((kind for kind, form in _SECRET_FORMS.items() if form.search(text)), None)


def _parts(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def has_credentials(address: str) -> bool:
    """Whether the address carries a password or a token; the user of an SSH address alone is none."""
    parts = _parts(address)
    if parts is None:
        return "@" in address
    return "@" in parts.netloc and not (parts.scheme == "ssh" and parts.password is None)


def address_without_credentials(address: str) -> str:
    """Return the address as it may be shown: without user, password, query and fragment."""
    parts = _parts(address)
    if parts is None or not parts.netloc:
        return address.rpartition("@")[2]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def address_is_encrypted(address: str) -> bool:
    """Whether nobody on the way can read or change what goes there: it is TLS or SSH, or stays on the machine."""
    parts = _parts(address)
    if parts is None:
        return False
    if parts.scheme not in {"http", "git", "ws", "ftp"}:
        return True
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".svc", ".svc.cluster.local"))
