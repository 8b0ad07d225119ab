"""Failures that are explained to the person at the terminal."""

from __future__ import annotations

__all__ = ["UserError"]


class UserError(Exception):
    """What is wrong, which rule it breaks and what to do about it, in words for people."""
