from __future__ import annotations

from policies.rules import applicationset_project_fixed
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APPLICATION_SET, UNKNOWN, having


class TestApplicationsetProjectFixed(Battery):
    rule = applicationset_project_fixed.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:ApplicationSet"
    good = ({"spec": {"template": {"spec": {"project": "bighpc-dev"}}}},)
    bad = (
        (having(APPLICATION_SET, {"spec template spec project": "{{ project }}"}), "'{{ project }}'"),
        (having(APPLICATION_SET, {"spec template spec project": "default"}), "'default'"),
    )
    unknown = ({"spec": {"template": {"spec": {"project": UNKNOWN}}}},)
