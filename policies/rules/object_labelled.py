"""An object says what it is part of."""

from __future__ import annotations

from typing import Any

from pulumi_policy import Severity

from components.invariants.cluster import object_is_labelled, platform_labels
from policies.kinds import EVERY_OBJECT, is_unknown
from policies.levels import REPAIRED
from policies.parts import at
from policies.rule import Circumstances, Rule
from policies.sources import KUBERNETES_LABELS

__all__ = ["RULE"]


def _label(props: Any, here: Circumstances) -> bool:
    if "metadata" not in props:
        props["metadata"] = {}
    metadata = props["metadata"]
    if is_unknown(metadata):
        return False
    labels = metadata.get("labels") or {}
    if is_unknown(labels):
        return False
    metadata["labels"] = {**labels, **platform_labels(here.environment)}
    return True


RULE = Rule(
    name="kubernetes-object-labelled",
    invariant=object_is_labelled,
    kinds=frozenset([EVERY_OBJECT]),
    parts=at("metadata", "labels"),
    read=lambda part, here: (part.value, here.environment),
    patches=False,
    repair=_label,
    severity=Severity.LOW,
    levels=REPAIRED,
    sources=(KUBERNETES_LABELS,),
)
