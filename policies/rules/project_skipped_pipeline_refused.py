"""A skipped pipeline is no successful pipeline."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import skipped_pipelines_do_not_pass
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-skipped-pipeline-refused",
    invariant=skipped_pipelines_do_not_pass,
    kinds=frozenset(["gitlab/Project", "gitlab/Group"]),
    severity=Severity.HIGH,
    sources=(
        OWASP.at("CICD-SEC-1"),
        GITLAB_HARDENING,
    ),
)
