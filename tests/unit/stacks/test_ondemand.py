from __future__ import annotations

from typing import Any

import pytest

from stacks.settings import parse_stack
from tests.unit.components.ondemand.test_ondemand import DATA
from tests.unit.stacks.refusals import changed, refused

KESTREL, CLOUD = "clusters/kestrel", "clusters/cloud"


def test_a_stack_without_the_setting_has_no_portal() -> None:
    assert parse_stack({}, "test").ondemand is None


def test_a_complete_portal_is_accepted() -> None:
    found = parse_stack({"ondemand": DATA}, "test").ondemand
    assert found is not None
    assert found.namespace_in("prod") == "bighpc-prod-ondemand"


@pytest.mark.parametrize(
    ("path", "wrong", "value", "rule", "remedy"),
    [
        ("host", "https://ondemand.example.org", "https://", "without scheme, port and path", "ondemand.example.org"),
        ("host", "ondemand", '"ondemand"', "the complete name of a host", "ondemand.example.org"),
        ("host", "ondemand.example.org:443", ":443", "without scheme, port and path", "ondemand.example.org"),
        ("host", ..., "nothing is set", "host is required", "add host"),
        ("image", "ondemand:4.0", "ondemand:4.0", "with its registry", "registry.example.org/ondemand"),
        ("image", "registry.example.org/ondemand", "value", "a version's tag or a digest", "use an image"),
        ("image", "registry.example.org/ondemand:latest", "latest", "a version's tag", "use an image"),
        ("oidc", ..., "nothing is set", "oidc is required", "add oidc"),
        ("oidc/clientSecret", "short", "(secret)", "at least 8", "change clientSecret"),
        ("oidc/userClaim", "name", '"name"', "'preferred_username'", "write nickname"),
        ("clusters", {}, "{}", "at least 1 item", "change clusters"),
        ("clusters", {"My-Cluster": DATA["clusters"]["kestrel"]}, "My-Cluster", "digits and '_'", "kestrel"),
        (f"{KESTREL}/adapter", "pbs", "value", "'kubernetes', 'slurm'", "adapter"),
        (f"{KESTREL}/bin", "usr/bin", '"usr/bin"', "an absolute path", "/usr/bin"),
        (f"{KESTREL}/bin", "/usr/../bin", "/usr/../bin", "without '.', '..'", "/usr/bin"),
        (f"{KESTREL}/conf", "slurm.conf", '"slurm.conf"', "an absolute path", "/usr/bin"),
        (f"{KESTREL}/submitHost", "user@login.example.org", "user@", "the complete name of a host", "use a name"),
        (f"{KESTREL}/title", "", '""', "not blank", "write a text"),
        (f"{KESTREL}/title", "Cloud", "", "'Cloud' is the title of two", "change one"),
        (f"{KESTREL}/server", "https://x.example", "unknown key 'server'", "only known keys", "remove server"),
        (f"{CLOUD}/server", "http://cloud.example.org", "http://", "the https address", "cluster.example.org:6443"),
        (f"{CLOUD}/server", "https://me:pw@cloud.example.org", "value", "without user or password", "use an address"),
        (f"{CLOUD}/namespacePrefix", "user", '"user"', "with a '-' at the end", "user-"),
        (f"{CLOUD}/auth", "token", '"token"', "'managed'", "write one of"),
        (f"{CLOUD}/certificateAuthority", "ca.pem", '"ca.pem"', "an absolute path", "/usr/bin"),
        ("apps", ["jupyter", "jupyter"], "jupyter", "each entry of a list is there once", "delete the one too many"),
        ("apps", ["sys/jupyter"], "sys/jupyter", "an application's directory", "jupyter"),
        ("ingress/tlsSecret", ..., "nothing is set", "tlsSecret is required", "add tlsSecret"),
        ("ingress/namespace", "Ingress", '"Ingress"', "lower-case letters", "use a name"),
        ("homes/size", "10TB", '"10TB"', "a positive Kubernetes quantity", "write an amount"),
        ("homes/storageClass", ..., "nothing is set", "storageClass is required", "add storageClass"),
        ("ports", [], "", "the portal reaches GitLab", "name the ports"),
        ("ports", [0], "value 0", "greater than or equal to 1", "change ports.0"),
        ("quota/pods", 100, "value 100", "less than or equal to 20", "change pods"),
        ("tls", True, "unknown key 'tls'", "only known keys", "remove tls"),
    ],
)
def test_a_malformed_portal_is_refused_with_value_rule_and_remedy(
    path: str, wrong: Any, value: str, rule: str, remedy: str
) -> None:
    data = changed({"quota": {}, **DATA}, path, wrong)
    problem = refused("ondemand", data)
    assert problem.where.startswith("Pulumi.dev.yaml, ondemand")
    assert value in problem.value
    assert rule in problem.rule
    assert remedy in problem.remedy
    assert "canary" not in str(problem)
