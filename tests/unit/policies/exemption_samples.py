"""Exemptions to judge, and the circumstances that they hold in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

from policies.exemptions import Exemption
from policies.rule import Circumstances
from tests.unit.policies.battery import HERE

RULES: Final = frozenset({"kubernetes-service-no-node-port"})
RIGHT: Final[dict[str, Any]] = {
    "stack": "dev",
    "resource": "kubernetes:core/v1:Service::subject",
    "rule": "kubernetes-service-no-node-port",
    "reason": "The site's balancer reaches nodes alone until it is replaced.",
    "owner": "platform",
    "expires": date(2027, 3, 31),
}


def exemption(**changes: Any) -> Exemption:
    """Return an exemption that is right but for the changes; a key that is None is left out."""
    return Exemption({key: value for key, value in {**RIGHT, **changes}.items() if value is not None})


def with_exemptions(*exemptions: Exemption) -> Circumstances:
    """Return circumstances in which they were written down."""
    return replace(HERE, exemptions=exemptions, rules=RULES)
