"""What applications may ask for, and what a visitor's own token lets them be given."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["SCOPES", "beyond", "split"]

SCOPES = {
    "api": "read and write everything that you may: groups, projects, registries and packages",
    "read_api": "read everything that you may: groups, projects, registries and packages",
    "read_user": "read your profile, and look other users up",
    "read_repository": "read repositories, with Git or as files",
    "write_repository": "read and write repositories, with Git",
    "read_registry": "read images in container registries",
    "write_registry": "write images to container registries",
    "sudo": "act as any user, where you are an administrator",
    "admin_mode": "do what administrators do, where you are one",
    "openid": "sign you in, and read your profile and the groups that you are a member of",
    "profile": "read your profile, when signing you in",
    "email": "read your e-mail address, when signing you in",
}
"""Scopes of applications as GitLab has them, with what they let an application do."""

_WHO = frozenset({"read_user", "openid", "profile", "email"})
_IMPLIED = {
    "api": frozenset(SCOPES) - {"sudo", "admin_mode"},
    "read_api": _WHO | {"read_api"},
}
"""What a token for the page may be passed on as."""


def split(text: str) -> list[str]:
    """Scopes that were sent with spaces between, each once."""
    return list(dict.fromkeys(text.split()))


def beyond(wanted: Collection[str], own: Collection[str]) -> list[str]:
    """The scopes among `wanted` that a visitor cannot give away.

    In GitLab people sign in with a password and may give anything. Here they sign in with a token, and one that only
    reads must not bring forth one that writes.
    """
    given = frozenset(own).union(*(_IMPLIED.get(scope, ()) for scope in own))
    return [scope for scope in wanted if scope not in given]
