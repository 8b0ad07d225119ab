"""A volume is not a directory of a node."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import volume_is_no_host_path
from policies.rule import Rule
from policies.sources import CIS, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-volume-no-host-path",
    invariant=volume_is_no_host_path,
    kinds=frozenset(["core/PersistentVolume"]),
    severity=Severity.HIGH,
    sources=(
        POD_SECURITY,
        CIS.at("5.2.12"),
    ),
)
