"""Making and recognising tokens. Only digests are ever stored."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest", "generate"]


def generate(prefix: str, size: int = 20) -> str:
    """A new token: GitLab's prefix for its kind, then random characters."""
    return prefix + secrets.token_urlsafe(size * 2)[:size]


def digest(token: str) -> str:
    """What is stored instead of a token. Tokens are random, so a plain hash is as strong as they are."""
    return hashlib.sha256(token.encode()).hexdigest()
