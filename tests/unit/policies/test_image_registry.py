from __future__ import annotations

from policies.rules import image_registry
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, DIGEST, UNKNOWN, with_image


class TestImageRegistry(Battery):
    rule = image_registry.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_image(f"localhost/hello@{DIGEST}"),
        with_image(f"registry:5000/hello@{DIGEST}"),
    )
    bad = (
        (with_image(f"library/hello@{DIGEST}"), "names no registry"),
        (with_image(f"hello@{DIGEST}"), "names no registry"),
    )
    unknown = (with_image(UNKNOWN),)
