from __future__ import annotations

from policies.rules import image_version
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import CONTAINER, DEPLOYMENT, UNKNOWN, having, with_image


class TestImageVersion(Battery):
    rule = image_version.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_image("registry.example:5000/hello:1.2.3"),
    )
    bad = (
        (with_image("registry.example/hello:latest"), "is 'latest'"),
        (with_image("registry.example:5000/hello"), "has no tag"),
    )
    unknown = (
        with_image(UNKNOWN),
        having(DEPLOYMENT, {"spec template spec containers": UNKNOWN}),
        having(DEPLOYMENT, {"spec template spec": UNKNOWN}),
        {"spec": UNKNOWN},
    )
    beside_unknown = (
        (
            having(
                DEPLOYMENT,
                {
                    "spec template spec containers 0 image": UNKNOWN,
                    "spec template spec initContainers": [having(CONTAINER, {"image": "registry.example/a:main"})],
                },
            ),
            "is 'main'",
        ),
        (
            having(
                DEPLOYMENT,
                {"spec template spec containers": [UNKNOWN, having(CONTAINER, {"image": "registry.example/a:edge"})]},
            ),
            "is 'edge'",
        ),
    )
