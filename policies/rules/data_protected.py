"""Production's data is protected from deletion."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import data_is_protected
from policies.levels import IN_PRODUCTION
from policies.sources import PULUMI_OPTIONS
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-data-protected",
    invariant=data_is_protected,
    subjects=of_kind(
        "gitlab/Group",
        "gitlab/Project",
        "core/PersistentVolumeClaim",
        "core/PersistentVolume",
        read=lambda resource, _stack, _here: (resource,),
    ),
    kinds=frozenset(["gitlab/Group", "gitlab/Project", "core/PersistentVolumeClaim", "core/PersistentVolume"]),
    severity=Severity.HIGH,
    levels=IN_PRODUCTION,
    sources=(PULUMI_OPTIONS,),
)
