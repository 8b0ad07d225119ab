"""A secret is masked in job logs."""

from __future__ import annotations

from typing import Any

from pulumi_policy import Severity

from components.invariants.access import secret_variable_is_masked, value_can_be_masked
from policies.kinds import is_unknown
from policies.levels import REPAIRED
from policies.rule import Circumstances, Rule
from policies.sources import GITLAB_VARIABLES, OWASP

__all__ = ["RULE"]


def _mask(variable: Any, _: Circumstances) -> bool:
    value = variable.get("value") or ""
    if is_unknown(value) or not value_can_be_masked(value):
        return False
    variable["masked"] = True
    return True


RULE = Rule(
    name="gitlab-variable-secret-masked",
    invariant=secret_variable_is_masked,
    kinds=frozenset(["gitlab/ProjectVariable", "gitlab/GroupVariable", "gitlab/InstanceVariable"]),
    repair=_mask,
    severity=Severity.CRITICAL,
    levels=REPAIRED,
    sources=(
        GITLAB_VARIABLES,
        OWASP.at("CICD-SEC-6"),
    ),
)
