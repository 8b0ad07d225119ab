from __future__ import annotations

from policies.rules import stack_source_no_credentials
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackSourceNoCredentials(Battery):
    rule = stack_source_no_credentials.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (STACK,)
    bad = ((having(STACK, {"spec projectRepo": "https://me:canary@gitlab.example/p.git"}), "carries credentials"),)
    unknown = ({"spec": {"projectRepo": UNKNOWN}},)
