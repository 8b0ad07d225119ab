from __future__ import annotations

from policies.rules import appproject_keeps_limits
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, APP_PROJECT, UNKNOWN, having


class TestAppprojectKeepsLimits(Battery):
    rule = appproject_keeps_limits.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:AppProject"
    good = (
        APP_PROJECT,
        {"spec": {"namespaceResourceBlacklist": [{"group": "*", "kind": "*"}]}},
    )
    bad = (
        (having(APP_PROJECT, {"spec namespaceResourceBlacklist 0": ABSENT}), "may change ResourceQuota"),
        (having(APP_PROJECT, {"spec namespaceResourceBlacklist 1": ABSENT}), "may change LimitRange"),
        (having(APP_PROJECT, {"spec namespaceResourceBlacklist 2": ABSENT}), "may change NetworkPolicy"),
    )
    unknown = ({"spec": {"namespaceResourceBlacklist": UNKNOWN}},)
