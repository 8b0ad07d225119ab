"""The review in the forms that GitLab's own widgets read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree as Xml

from gitops.pulumi.plan import Plan, Verdict

__all__ = ["code_quality", "junit", "terraform"]

_SEVERITIES: Final = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}
"""Severity of a policy to the one of GitLab's Code Quality report."""


def terraform(plans: Sequence[Plan]) -> dict[str, int]:
    """The report of the Terraform widget, of all stacks together: a job has one. A replacement deletes and creates.

    [GitLab documentation: ci/yaml/artifacts_reports, artifacts:reports:terraform]
    """

    def together(*words: str) -> int:
        return sum(plan.counts[word] for plan in plans for word in words)

    return {
        "create": together("create", "replace"),
        "update": together("update"),
        "delete": together("delete", "replace"),
    }


def code_quality(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """The policy violations as a Code Quality report; each points at the stack's file.

    [GitLab documentation: ci/testing/code_quality, report format]
    """
    return [
        {
            "description": f"{plan.stack}: {verdict.message}",
            "check_name": verdict.policy,
            "fingerprint": _fingerprint(plan.stack, verdict),
            "severity": _SEVERITIES.get(verdict.severity, "major" if verdict.mandatory else "info"),
            "location": {"path": f"Pulumi.{plan.stack}.yaml", "lines": {"begin": 1}},
        }
        for plan in plans
        for verdict in plan.verdicts
    ]


def _fingerprint(stack: str, verdict: Verdict) -> str:
    """The same violation has the same one in every pipeline, so that GitLab can tell new ones from old ones."""
    return hashlib.sha256("\0".join((stack, verdict.policy, verdict.urn, verdict.message)).encode()).hexdigest()


def junit(plans: Sequence[Plan]) -> str:
    """The previews as a JUnit report: a test per stack, and one per violation."""
    root = Xml.Element("testsuites", name="bighpc review")
    for plan in plans:
        suite = Xml.SubElement(root, "testsuite", name=f"stack {plan.stack}")
        _case(suite, plan.stack, "preview", plan.seconds, "\n".join(plan.errors))
        for verdict in plan.verdicts:
            name = f"{verdict.policy}: {verdict.urn.rsplit('::', 1)[-1] or 'stack'}"
            _case(suite, plan.stack, name, 0.0, verdict.message if verdict.mandatory else "", verdict.message)
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Xml.Element, stack: str, name: str, seconds: float, failure: str, said: str = "") -> None:
    case = Xml.SubElement(suite, "testcase", classname=f"pulumi.{stack}", name=name, time=f"{seconds:.3f}")
    if failure:
        Xml.SubElement(case, "failure", message=failure.splitlines()[0]).text = failure
    elif said:
        Xml.SubElement(case, "system-out").text = said
