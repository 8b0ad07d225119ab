"""A review shows the exemptions that hold."""

from __future__ import annotations

from collections.abc import Iterator

from pulumi_policy import Severity

from components.invariants.composition import Stack
from components.invariants.violation import invariant
from policies.exemptions import Exemption
from policies.levels import ADVICE
from policies.rule import Circumstances
from policies.sources import OWASP
from policies.stack_rule import StackRule, Subject

__all__ = ["RULE"]


@invariant("A review shows the exemptions that hold.", "Ask whether it is still needed.")
def _exemption_is_listed(exemption: Exemption) -> Iterator[str]:
    yield str(exemption)


def _granted(_: Stack, here: Circumstances) -> Iterator[Subject]:
    return (Subject(called=str(each.entry["resource"]), given=(each,)) for each in here.granted)


RULE = StackRule(
    name="stack-exemption-listed",
    invariant=_exemption_is_listed,
    subjects=_granted,
    kinds=frozenset(),
    severity=Severity.LOW,
    levels=ADVICE,
    sources=(OWASP.at("CICD-SEC-10"),),
)
