from __future__ import annotations

from typing import Any

import pytest

from stacks.jupyterhub_profiles import check_jupyterhub
from stacks.problems import Collector
from stacks.settings import parse_stack
from tests.unit.components.jupyterhub.test_jupyterhub import DATA, IMAGE, SECRET
from tests.unit.stacks.refusals import changed, refused

TESTBED = {
    "hardware": {"gpu": {"nodes": 1, "cores": 32, "memory": "512Gi", "accelerators": {"count": 8, "model": "a100"}}}
}
SMALL, GPU = "profiles/small", "profiles/gpu"


def test_a_stack_without_the_setting_has_no_hub() -> None:
    assert parse_stack({}, "test").jupyterhub is None


def test_a_complete_hub_is_accepted() -> None:
    found = parse_stack({"jupyterhub": DATA, "testbed": TESTBED}, "test").jupyterhub
    assert found is not None
    assert (found.namespace_in("prod"), found.host) == ("bighpc-prod-jupyterhub", "jupyter.example.org")


@pytest.mark.parametrize(
    ("path", "wrong", "value", "rule", "remedy"),
    [
        ("url", "jupyter.example.org", "jupyter.example.org", "an absolute http or https address", "use an address"),
        ("url", "https://example.org/jupyter", "https://example.org/jupyter", "a host of its own", "remove the path"),
        ("url", "http://jupyter.example.org", "http://jupyter.example.org", "the ingress ends TLS", "write https://"),
        ("url", ..., "nothing is set", "url is required", "add url"),
        ("image", "jupyterhub:5.5.4", "jupyterhub:5.5.4", "with its registry", "registry.example.org/"),
        ("image", "registry.example.org/jupyterhub:latest", "latest", "a version's tag", "use an image"),
        ("oauth/clientId", "", '""', "not blank", "write a text"),
        ("oauth/clientSecret", "short", "(secret)", "at least 32", "change clientSecret"),
        ("oauth/groups", ["not a group"], "not a group", "the complete path of a group", "bighpc/research"),
        (
            "oauth",
            {"clientId": "hub", "clientSecret": SECRET},
            "",
            "groups, users and admins are empty",
            "name a group",
        ),
        ("oauth/gitlabUrl", "gitlab:80", "gitlab:80", "an absolute http or https address", "use an address"),
        ("default", "large", "", "one of the profiles gpu, small; it is large", "use one of them"),
        ("profiles", {}, "{}", "at least 1 item", "change profiles"),
        ("profiles", {"Small": {"title": "Small", "image": IMAGE}}, "Small", "lower-case letters", "use a name"),
        (f"{SMALL}/image", IMAGE.replace(":4.6.6", ""), "jupyterlab", "a version's tag", "use an image"),
        (f"{SMALL}/cores", "one", '"one"', "a positive Kubernetes quantity", "write an amount"),
        (f"{SMALL}/cores", "9", "", "cores 9 of profile small exceeds 8", "raise the quota"),
        (f"{SMALL}/memory", "2GB", '"2GB"', "a positive Kubernetes quantity", "write an amount"),
        (f"{SMALL}/memory", "17Gi", "", "memory 17Gi of profile small exceeds 16Gi", "raise the quota"),
        (f"{SMALL}/title", "One GPU", "", "'One GPU' is the title of two", "change one"),
        (f"{SMALL}/accelerators", 1, "", "1 are asked for without one", "name the profile under hardware"),
        (f"{GPU}/accelerators", -1, "-1", "greater than or equal to 0", "change accelerators"),
        (f"{GPU}/hardware", "Gpu!", '"Gpu!"', "lower-case letters", "use a name"),
        ("culling/idleMinutes", 0, "value 0", "greater than or equal to 1", "change idleMinutes"),
        ("culling/everySeconds", "60s", '"60s"', "a whole number", "write a whole number"),
        ("homes/size", "10TB", '"10TB"', "a positive Kubernetes quantity", "write an amount"),
        ("homes/storageClass", ..., "nothing is set", "storageClass is required", "add storageClass"),
        ("database/size", ..., "nothing is set", "size is required", "add size"),
        ("ingress/tlsSecret", ..., "nothing is set", "tlsSecret is required", "add tlsSecret"),
        ("ports", [0], "value 0", "greater than or equal to 1", "change ports.0"),
        ("quota/pods", 2, "value 2", "greater than or equal to 3", "change pods"),
        ("startSeconds", 1, "value 1", "greater than or equal to 30", "change startSeconds"),
        ("chart", {"type": "git"}, "", "", ""),
        ("tls", True, "unknown key 'tls'", "only known keys", "remove tls"),
    ],
)
def test_a_malformed_hub_is_refused_with_value_rule_and_remedy(
    path: str, wrong: Any, value: str, rule: str, remedy: str
) -> None:
    problem = refused("jupyterhub", changed({"quota": {}, "culling": {}, **DATA}, path, wrong))
    assert problem.where.startswith("Pulumi.dev.yaml, jupyterhub")
    assert value in problem.value
    assert rule in problem.rule
    assert remedy in problem.remedy
    assert "canary" not in str(problem)


@pytest.mark.parametrize(
    ("path", "wrong", "where", "value", "rule"),
    [
        (f"{GPU}/hardware", "cpu", ".hardware", '"cpu"', "one of testbed.hardware: gpu"),
        (f"{GPU}/accelerators", 9, ".accelerators", "value 9", "a node of gpu has 8 accelerators"),
    ],
)
def test_a_profile_runs_on_hardware_of_the_testbed(path: str, wrong: Any, where: str, value: str, rule: str) -> None:
    settings = parse_stack({"jupyterhub": changed(DATA, path, wrong), "testbed": TESTBED}, "test")
    collector = Collector()
    check_jupyterhub(settings.jupyterhub, settings.testbed.hardware, "Pulumi.dev.yaml", collector)
    (problem,) = collector.problems
    assert problem.where == f"Pulumi.dev.yaml, jupyterhub.profiles.gpu{where}"
    assert problem.value.endswith(value)
    assert rule in problem.rule
    assert problem.remedy


def test_profiles_that_fit_are_no_problem() -> None:
    settings = parse_stack({"jupyterhub": DATA, "testbed": TESTBED}, "test")
    collector = Collector()
    check_jupyterhub(settings.jupyterhub, settings.testbed.hardware, "Pulumi.dev.yaml", collector)
    check_jupyterhub(None, {}, "Pulumi.dev.yaml", collector)
    assert not collector.problems
