from __future__ import annotations

from policies.rules import variable_secret_scoped
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN, VARIABLE, having


class TestVariableSecretScoped(Battery):
    rule = variable_secret_scoped.RULE
    resource_type = "gitlab:index/projectVariable:ProjectVariable"
    good = (
        VARIABLE,
        {"key": "REGISTRY_MIRROR", "environmentScope": "*"},
    )
    bad = (
        (having(VARIABLE, {"environmentScope": "*"}), "every environment"),
        ({"key": "API_TOKEN"}, "every environment"),
    )
    unknown = ({"key": "API_TOKEN", "environmentScope": UNKNOWN},)
