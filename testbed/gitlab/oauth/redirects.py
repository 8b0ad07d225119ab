"""Addresses that browsers are sent back to."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit, urlunsplit

__all__ = ["form_action", "problem", "with_answer"]

_FORBIDDEN = frozenset({"data", "javascript", "urn", "vbscript"})
"""GitLab forbids what would run in its own place. Its ``urn:ietf:wg:oauth:2.0:oob`` shows the code on a page; here
no page shows one."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ADDRESS = re.compile(r"[!-~]+")


def problem(redirect_uri: str) -> str | None:
    """What is wrong with the addresses of an application, one a line, in Doorkeeper's words; nothing: they are good."""
    if not redirect_uri.split():
        return "can't be blank"
    return next((found for each in redirect_uri.split() if (found := _problem_of(each))), None)


def _problem_of(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "must be a valid URI."
    if not _ADDRESS.fullmatch(address):
        return "must be a valid URI."
    if "#" in address:
        return "cannot contain a fragment."
    if not _SCHEME.fullmatch(parts.scheme) or (parts.scheme in ("http", "https") and not parts.hostname):
        return "must be an absolute URI."
    if parts.scheme.lower() in _FORBIDDEN:
        return "is forbidden by the server."
    return None


def with_answer(address: str, answer: dict[str, str | None]) -> str:
    """The address with an answer in its query, beside what it has there already."""
    parts = urlsplit(address)
    said = urlencode([(name, value) for name, value in answer.items() if value is not None])
    return urlunsplit(parts._replace(query=f"{parts.query}&{said}" if parts.query else said))


def form_action(address: str) -> str:
    """Where a form may lead, for ``Content-Security-Policy``, so that its answer can send the browser to an address.

    Browsers hold every redirect that follows against it, those of the application included, and a callback often
    leads on to another port. So it names the scheme alone, as GitLab's does.
    """
    return f"'self' {urlsplit(address).scheme}:"
