"""The forms that GitLab's widgets read."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from gitops.pulumi.plan import read_plan
from gitops.review.reports import code_quality, junit, terraform
from tests.unit.gitops.review.events import error, step, violation


def test_a_replacement_counts_as_deletion_and_creation() -> None:
    plan = read_plan("prod", [step("replace", old={}, new={}), step("create", "b", new={})], 1.0)
    other = read_plan("dev", [step("update", old={}, new={}), step("create", "b", new={})], 1.0)
    assert terraform([plan]) == {"create": 2, "update": 0, "delete": 1}
    assert terraform([plan, other]) == {"create": 3, "update": 1, "delete": 1}
    assert terraform([]) == {"create": 0, "update": 0, "delete": 0}


def test_each_violation_is_an_issue_that_stays_the_same_from_run_to_run() -> None:
    plan = read_plan("prod", [violation(), violation(name="other")], 1.0)
    first, second = code_quality([plan])
    assert first["check_name"] == "gitlab-visibility-limited"
    assert first["location"]["path"] == "Pulumi.prod.yaml"
    assert first["severity"] == "critical"
    assert first["fingerprint"] != second["fingerprint"]
    assert code_quality([plan])[0] == first


def test_previews_and_mandatory_violations_are_tests_that_fail() -> None:
    failed = read_plan("dev", [error("boom")], 1.0)
    violated = read_plan("prod", [violation(), violation("advisory", "Prefer x.")], 1.0)
    root = Xml.fromstring(junit([failed, violated]).partition("\n")[2])
    dev, prod = root.findall("testsuite")
    assert (dev.get("tests"), dev.get("failures")) == ("1", "1")
    assert dev.findtext("testcase/failure") == "boom"
    assert (prod.get("tests"), prod.get("failures")) == ("3", "1")
    assert prod.findtext("testcase/system-out") == "Prefer x."
