from __future__ import annotations

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as UNKNOWN

from policies.rules import appproject_exact
from tests.unit.policies.battery import Battery

HERE = {"server": "https://kubernetes.default.svc", "namespace": "bighpc-dev"}


class TestAppprojectExact(Battery):
    rule = appproject_exact.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:AppProject"
    good = (
        {"spec": {"sourceRepos": ["https://gitlab.example/a.git"], "destinations": [HERE]}},
        {"spec": {"sourceRepos": [], "destinations": []}},
    )
    bad = (
        ({"spec": {"sourceRepos": ["*"], "destinations": [HERE]}}, "'*'"),
        ({"spec": {"sourceRepos": ["https://gitlab.example/*"], "destinations": [HERE]}}, "'https://gitlab.example/*'"),
        ({"spec": {"sourceRepos": [], "destinations": [{**HERE, "namespace": "*"}]}}, "namespace '*'"),
        ({"spec": {"sourceRepos": [], "destinations": [{**HERE, "server": "https://*"}]}}, "server 'https://*'"),
    )
    unknown = ({"spec": {"sourceRepos": UNKNOWN, "destinations": []}},)
