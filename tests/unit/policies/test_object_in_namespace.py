from __future__ import annotations

from policies.rules import object_in_namespace
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, CONFIG, UNKNOWN, having


class TestObjectInNamespace(Battery):
    rule = object_in_namespace.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (CONFIG,)
    bad = (
        (having(CONFIG, {"metadata namespace": "kube-system"}), "'kube-system'"),
        (having(CONFIG, {"metadata namespace": ABSENT}), "has no namespace"),
        (having(CONFIG, {"metadata namespace": "default"}), "'default'"),
    )
    unknown = ({"metadata": {"namespace": UNKNOWN}},)
