"""Proof that whoever exchanges a code has asked for it: RFC 7636."""

from __future__ import annotations

import hashlib
import hmac

from testbed.gitlab.signing_key import base64url

__all__ = ["METHODS", "proves"]

METHODS = ("plain", "S256")


def proves(challenge: str | None, method: str | None, verifier: str | None) -> bool:
    """Whether a verifier goes with the challenge that was sent when the code was asked for; without one, with none."""
    if not challenge or not verifier:
        return not challenge and not verifier
    found = base64url(hashlib.sha256(verifier.encode()).digest()) if method == "S256" else verifier
    return hmac.compare_digest(found.encode(), challenge.encode())
