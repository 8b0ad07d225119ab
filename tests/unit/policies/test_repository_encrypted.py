from __future__ import annotations

from policies.rules import repository_encrypted
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, REPOSITORY, UNKNOWN, having


class TestRepositoryEncrypted(Battery):
    rule = repository_encrypted.RULE
    resource_type = "kubernetes:core/v1:Secret"
    good = (
        REPOSITORY,
        having(REPOSITORY, {"stringData url": "http://gitlab.example/a.git", "stringData password": ABSENT}),
    )
    bad = (
        (
            having(REPOSITORY, {"stringData url": "http://gitlab.example/a.git"}),
            "http://gitlab.example/a.git is not encrypted",
        ),
    )
    unknown = (
        having(REPOSITORY, {"stringData url": UNKNOWN}),
        having(REPOSITORY, {"stringData": UNKNOWN}),
    )
