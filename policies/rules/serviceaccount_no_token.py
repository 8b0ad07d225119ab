"""A service account mounts its token nowhere by itself."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import account_mounts_no_token
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-serviceaccount-no-token",
    invariant=account_mounts_no_token,
    kinds=frozenset(["core/ServiceAccount"]),
    patches=False,
    severity=Severity.MEDIUM,
    sources=(
        CIS.at("5.1.6"),
        NSA,
    ),
)
