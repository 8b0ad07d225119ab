from __future__ import annotations

from policies.rules import application_source_no_credentials
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationSourceNoCredentials(Battery):
    rule = application_source_no_credentials.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (
        APPLICATION,
        {"spec": {"source": {"repoURL": "ssh://git@gitlab.example/a.git"}}},
    )
    bad = (
        (having(APPLICATION, {"spec source repoURL": "https://me:canary@gitlab.example/a.git"}), "carries credentials"),
        (having(APPLICATION, {"spec source repoURL": "ssh://git:canary@gitlab.example/a.git"}), "carries credentials"),
    )
    unknown = ({"spec": {"source": {"repoURL": UNKNOWN}}},)
    beside_unknown = (
        ({"spec": {"sources": [UNKNOWN, {"repoURL": "https://canary@gitlab.example/a.git"}]}}, "credentials"),
    )
