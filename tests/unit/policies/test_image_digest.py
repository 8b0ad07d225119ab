from __future__ import annotations

from policies.rules import image_digest
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, with_image


class TestImageDigest(Battery):
    rule = image_digest.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = (
        (with_image("registry.example/hello:1.0.0"), "has no digest"),
        (with_image("registry.example/hello:stable@sha256:short"), "has no digest"),
        (with_image("registry.example/hello@sha256:short"), "has no digest"),
    )
    unknown = (with_image(UNKNOWN),)
