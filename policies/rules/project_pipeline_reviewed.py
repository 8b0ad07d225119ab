"""A pipeline's definition is in a repository, where changes to it are reviewed."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import pipeline_definition_is_reviewed
from policies.rule import Rule
from policies.sources import OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-pipeline-reviewed",
    invariant=pipeline_definition_is_reviewed,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.CRITICAL,
    sources=(OWASP.at("CICD-SEC-4"),),
)
