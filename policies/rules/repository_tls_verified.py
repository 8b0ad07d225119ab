"""Argo CD verifies whom it fetches from."""

from __future__ import annotations

from typing import Any

from pulumi_policy import Severity

from components.invariants.delivery import INSECURE_SETTINGS, repository_is_verified
from policies.delivery_parts import repository
from policies.kinds import is_unknown
from policies.levels import REPAIRED
from policies.rule import Circumstances, Rule
from policies.sources import ARGOCD_SECURITY, OWASP

__all__ = ["RULE"]


def _verify(secret: Any, _: Circumstances) -> bool:
    texts = secret.get("stringData") or {}
    if is_unknown(texts):
        return False
    secret["stringData"] = {**texts, **dict.fromkeys(INSECURE_SETTINGS, "false")}
    return True


RULE = Rule(
    name="argocd-repository-tls-verified",
    invariant=repository_is_verified,
    kinds=frozenset(["core/Secret"]),
    parts=repository,
    repair=_verify,
    severity=Severity.HIGH,
    levels=REPAIRED,
    sources=(
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-9"),
    ),
)
