from __future__ import annotations

from policies.rules import variable_secret_masked
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN, VARIABLE, having


class TestVariableSecretMasked(Battery):
    rule = variable_secret_masked.RULE
    resource_type = "gitlab:index/projectVariable:ProjectVariable"
    good = (
        VARIABLE,
        {"key": "REGISTRY_MIRROR"},
        {"key": "TOKEN_FILE"},
    )
    bad = (
        (having(VARIABLE, {"masked": False, "value": "short"}), "it is not masked"),
        ({"key": "awsSecretAccessKey", "value": "short"}, "it is not masked"),
        ({"key": "SSH_PRIVATE_KEY", "value": "two\nlines"}, "it is not masked"),
        ({"key": "DJANGO_SECRET_KEY", "value": "short"}, "it is not masked"),
    )
    unknown = (
        {"key": "API_TOKEN", "masked": UNKNOWN},
        {"key": UNKNOWN},
    )
