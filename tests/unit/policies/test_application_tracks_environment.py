from __future__ import annotations

from policies.rules import application_tracks_environment
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION, UNKNOWN, having


class TestApplicationTracksEnvironment(Battery):
    rule = application_tracks_environment.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:Application"
    good = (
        APPLICATION,
        {"spec": {"source": {"targetRevision": "v1.2.3"}}},
        {"spec": {"source": {"targetRevision": 40 * "a"}}},
        {"spec": {"source": {"targetRevision": "1.0.0-rc.1"}}},
    )
    bad = (
        (having(APPLICATION, {"spec source targetRevision": "main"}), "'main'"),
        (having(APPLICATION, {"spec source targetRevision": "HEAD"}), "'HEAD'"),
        ({"spec": {"source": {}}}, "'HEAD'"),
        ({"spec": {"source": {"targetRevision": "1.*"}}}, "'1.*'"),
        ({"spec": {"sources": [{"targetRevision": "prod"}]}}, "'prod'"),
    )
    unknown = (
        {"spec": {"source": {"targetRevision": UNKNOWN}}},
        {"spec": {"source": UNKNOWN}},
    )
    beside_unknown = (({"spec": {"sources": [UNKNOWN, {"targetRevision": "main"}]}}, "'main'"),)
