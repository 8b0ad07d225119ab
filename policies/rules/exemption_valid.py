"""An exemption has a reason, an owner and an end."""

from __future__ import annotations

from collections.abc import Iterator

from pulumi_policy import Severity

from components.invariants.composition import Stack
from components.invariants.violation import invariant
from policies.exemptions import Exemption
from policies.rule import Circumstances
from policies.sources import OWASP
from policies.stack_rule import StackRule, Subject

__all__ = ["RULE"]


@invariant(
    "An exemption names its stack, resource, rule, reason, owner and end.",
    "Complete it, or delete it.",
)
def _exemption_is_valid(exemption: Exemption, here: Circumstances) -> Iterator[str]:
    return exemption.faults(here.today, here.rules)


def _all(_: Stack, here: Circumstances) -> Iterator[Subject]:
    """Yield every entry: one that is wrong may not even say which stack it is for."""
    return (Subject(called=each.subject, given=(each, here)) for each in here.exemptions)


RULE = StackRule(
    name="stack-exemption-valid",
    invariant=_exemption_is_valid,
    subjects=_all,
    kinds=frozenset(),
    severity=Severity.HIGH,
    sources=(OWASP.at("CICD-SEC-1"),),
)
