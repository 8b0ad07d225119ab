"""Engine events as the event log has them."""

from __future__ import annotations

from typing import Any

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "CANARY"}
PROJECT = "gitlab:index/project:Project"


def urn(name: str, token: str = PROJECT) -> str:
    """The resource's address."""
    return f"urn:pulumi:prod::bighpc::{token}::{name}"


def step(
    op: str,
    name: str = "demo",
    token: str = PROJECT,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A step that the engine means to take."""

    def state(inputs: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if inputs is None else {"inputs": inputs, "protect": more.get("protect", False)}

    diff = {path: {"diffKind": kind, "inputDiff": True} for path, kind in more.get("diff", {}).items()}
    metadata = {
        "op": op,
        "urn": urn(name, token),
        "type": token,
        "old": state(old),
        "new": state(new),
        "detailedDiff": diff or None,
        "diffs": more.get("diffs"),
        "keys": more.get("keys"),
    }
    return {"resourcePreEvent": {"metadata": metadata, "planning": True}}


def violation(level: str = "mandatory", message: str = "It must be private.", name: str = "demo") -> dict[str, Any]:
    """What a policy says."""
    return {
        "policyEvent": {
            "resourceUrn": urn(name),
            "message": f"<{{%fg 1%}}>{message}<{{%reset%}}>\n",
            "policyName": "gitlab-visibility-limited",
            "policyPackName": "bighpc",
            "enforcementLevel": level,
            "severity": "high",
        }
    }


def error(message: str) -> dict[str, Any]:
    """Why the engine fails."""
    return {"diagnosticEvent": {"severity": "error", "message": f"<{{%fg 1%}}>{message}<{{%reset%}}>"}}
