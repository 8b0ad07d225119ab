from __future__ import annotations

from policies.rules import variable_secret_protected
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN, VARIABLE, having


class TestVariableSecretProtected(Battery):
    rule = variable_secret_protected.RULE
    resource_type = "gitlab:index/projectVariable:ProjectVariable"
    good = (
        VARIABLE,
        {"key": "REGISTRY_MIRROR"},
    )
    bad = (
        (having(VARIABLE, {"protected": False}), "every branch"),
        ({"key": "API_TOKEN"}, "every branch"),
    )
    unknown = ({"key": "API_TOKEN", "protected": UNKNOWN},)
