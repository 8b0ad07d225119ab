from __future__ import annotations

from components.vocabulary import ENVIRONMENT_LABEL
from policies.rules import object_labelled
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, CONFIG, PART_OF, UNKNOWN, having


class TestObjectLabelled(Battery):
    rule = object_labelled.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (CONFIG,)
    bad = (
        (having(CONFIG, {f"metadata labels {PART_OF}": ABSENT}), "has no label app.kubernetes.io/part-of"),
        (having(CONFIG, {f"metadata labels {ENVIRONMENT_LABEL}": "prod"}), "'prod' instead of 'dev'"),
        (having(CONFIG, {"metadata labels app.kubernetes.io/managed-by": "Helm"}), "'Helm' instead of 'pulumi'"),
    )
    unknown = ({"metadata": {"labels": UNKNOWN}},)
