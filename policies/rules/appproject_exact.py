"""An Argo CD project names its repositories and destinations one by one."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import app_project_is_exact
from policies.delivery_parts import project_limits
from policies.parts import Part, Properties
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, OWASP

__all__ = ["RULE"]


def _one_kind(part: Part) -> tuple[list[str], list[Properties]]:
    return ([part.value], []) if isinstance(part.value, str) else ([], [part.value])


RULE = Rule(
    name="argocd-appproject-exact",
    invariant=app_project_is_exact,
    kinds=frozenset(["argoproj.io/AppProject"]),
    parts=project_limits,
    read=lambda part, _: _one_kind(part),
    severity=Severity.HIGH,
    sources=(
        ARGOCD_PROJECTS,
        OWASP.at("CICD-SEC-5"),
    ),
)
