from __future__ import annotations

from policies.rules import repositoryfile_no_secret
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import FILE, UNKNOWN, b64, having


class TestRepositoryfileNoSecret(Battery):
    rule = repositoryfile_no_secret.RULE
    resource_type = "gitlab:index/repositoryFile:RepositoryFile"
    good = (
        {"content": "replicas: 1", "encoding": "text"},
        {"content": b64("replicas: 1"), "encoding": "base64"},
        {"content": "%%%", "encoding": "base64"},
    )
    bad = (
        (having(FILE, {"content": "token: glpat-canarycanary"}), "a GitLab token"),
        (having(FILE, {"content": b64("-----BEGIN RSA PRIVATE KEY-----"), "encoding": "base64"}), "a private key"),
        (having(FILE, {"content": "AKIAABCDEFGHIJKLMNOP"}), "an access key of a cloud"),
        (having(FILE, {"content": "eyJhbGciOiJ.eyJzdWIiOiIx.c2lnbmF0dXJl"}), "a JSON Web Token"),
    )
    unknown = ({"content": UNKNOWN},)
