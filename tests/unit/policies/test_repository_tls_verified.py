from __future__ import annotations

from policies.rules import repository_tls_verified
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import REPOSITORY, REPOSITORY_LABEL, UNKNOWN, b64, having


class TestRepositoryTlsVerified(Battery):
    rule = repository_tls_verified.RULE
    resource_type = "kubernetes:core/v1:Secret"
    good = (
        REPOSITORY,
        {"stringData": {"insecure": "true"}},
        {"metadata": {"labels": {"team": "x"}}, "stringData": {"insecure": "true"}},
    )
    bad = (
        (
            having(REPOSITORY, {"data": {"insecure": "%%%"}, "stringData insecureIgnoreHostKey": "True"}),
            "insecureIgnoreHostKey is on",
        ),
        (having(REPOSITORY, {"data": {"insecure": b64("true")}}), "insecure is on"),
    )
    unknown = (
        having(REPOSITORY, {"stringData insecure": UNKNOWN}),
        having(REPOSITORY, {"metadata labels": UNKNOWN}),
        having(REPOSITORY, {f"metadata labels {REPOSITORY_LABEL}": UNKNOWN}),
    )
