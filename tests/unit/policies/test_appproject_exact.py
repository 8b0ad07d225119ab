from __future__ import annotations

from policies.rules import appproject_exact
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APP_PROJECT, HERE, UNKNOWN, having


class TestAppprojectExact(Battery):
    rule = appproject_exact.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:AppProject"
    good = (
        APP_PROJECT,
        {"spec": {"sourceRepos": ["https://gitlab.example/a.git"], "destinations": [HERE]}},
        {"spec": {"sourceRepos": [], "destinations": []}},
        {},
    )
    bad = (
        (having(APP_PROJECT, {"spec sourceRepos": ["*"]}), "'*'"),
        ({"spec": {"sourceRepos": ["https://gitlab.example/*"], "destinations": [HERE]}}, "'https://gitlab.example/*'"),
        ({"spec": {"sourceRepos": [], "destinations": [{**HERE, "namespace": "*"}]}}, "namespace '*'"),
        ({"spec": {"sourceRepos": [], "destinations": [{**HERE, "server": "https://*"}]}}, "server 'https://*'"),
    )
    unknown = (
        {"spec": {"sourceRepos": UNKNOWN, "destinations": []}},
        {"spec": {"destinations": [{"server": UNKNOWN}]}},
    )
    beside_unknown = (
        ({"spec": {"sourceRepos": [UNKNOWN, "*"]}}, "'*'"),
        ({"spec": {"sourceRepos": UNKNOWN, "destinations": [{"namespace": "*"}]}}, "namespace '*'"),
    )
