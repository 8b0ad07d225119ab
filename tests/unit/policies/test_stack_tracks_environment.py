from __future__ import annotations

from policies.rules import stack_tracks_environment
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackTracksEnvironment(Battery):
    rule = stack_tracks_environment.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (
        STACK,
        {"spec": {"branch": "refs/heads/dev"}},
        {"spec": {}},
    )
    bad = (
        (having(STACK, {"spec branch": "prod"}), "'prod'"),
        (having(STACK, {"spec branch": "feature/x"}), "'feature/x'"),
    )
    unknown = ({"spec": {"branch": UNKNOWN}},)
