"""A plan as one number: two previews that mean to do the same have the same digest."""

from __future__ import annotations

import hashlib
import json

from gitops.pulumi.plan import Change, Plan

__all__ = ["digest"]


def digest(plan: Plan) -> str:
    """Return the SHA-256 of what a plan changes, in hexadecimal digits.

    Order, duration and unchanged resources do not count; a secret counts as ``[secret]``.
    """
    changed = sorted((each for each in plan.changes if each.operation != "unchanged"), key=lambda each: each.urn)
    text = json.dumps([_normalised(each) for each in changed], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _normalised(change: Change) -> dict[str, object]:
    return {
        "urn": change.urn,
        "operation": change.operation,
        "created": change.new if change.operation == "create" else None,
        "properties": {each.path: [each.kind, each.replaces, each.old, each.new] for each in change.properties},
    }
