from __future__ import annotations

from policies.rules import stack_no_secret
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import STACK, UNKNOWN, having


class TestStackNoSecret(Battery):
    rule = stack_no_secret.RULE
    resource_type = "kubernetes:pulumi.com/v1:Stack"
    good = (
        STACK,
        {"spec": {"envRefs": {"PULUMI_ACCESS_TOKEN": {"type": "Secret", "secret": {"name": "a", "key": "b"}}}}},
        {"spec": {"envRefs": {"LEVEL": {"type": "Literal"}}}},
    )
    bad = (
        (having(STACK, {"spec secrets": {"bighpc:hookToken": "canary-token"}}), "bighpc:hookToken is written"),
        (
            having(STACK, {"spec envRefs": {"GITLAB_TOKEN": {"type": "Literal", "literal": {"value": "canary"}}}}),
            "GITLAB_TOKEN is written",
        ),
        (
            having(STACK, {"spec gitAuth": {"accessToken": {"type": "Literal", "literal": {"value": "canary"}}}}),
            "accessToken is written",
        ),
        (having(STACK, {"spec secretsRef": {"apiKey": {"type": "Literal"}}}), "apiKey is written"),
    )
    unknown = (
        {"spec": {"secrets": UNKNOWN}},
        {"spec": {"envRefs": {"GITLAB_TOKEN": UNKNOWN}}},
    )
    beside_unknown = (({"spec": {"envRefs": UNKNOWN, "secrets": {"hookToken": "canary"}}}, "hookToken"),)
