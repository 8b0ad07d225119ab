from __future__ import annotations

from policies.rules import application_source_encrypted
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationSourceEncrypted(Battery):
    rule = application_source_encrypted.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (
        APPLICATION,
        {"spec": {"source": {"repoURL": "git@gitlab.example:a.git"}}},
        {"spec": {"source": {"repoURL": "http://127.0.0.1:8929/a.git"}}},
        {"spec": {"source": {"repoURL": "registry.example/charts"}}},
    )
    bad = (
        (having(APPLICATION, {"spec source repoURL": "http://gitlab.example/a.git"}), "is not encrypted"),
        ({"spec": {"source": {"repoURL": "git://gitlab.example/a.git"}}}, "is not encrypted"),
    )
    unknown = ({"spec": {"source": {"repoURL": UNKNOWN}}},)
    beside_unknown = (({"spec": {"sources": [UNKNOWN, {"repoURL": "http://gitlab.example/a.git"}]}}, "not encrypted"),)
