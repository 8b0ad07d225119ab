"""A container takes no port of its node."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_takes_no_host_port
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import CIS, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-no-host-port",
    invariant=container_takes_no_host_port,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    severity=Severity.HIGH,
    sources=(
        POD_SECURITY.at("baseline"),
        CIS.at("5.2.13"),
    ),
)
