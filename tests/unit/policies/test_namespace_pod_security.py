from __future__ import annotations

from policies.rules import namespace_pod_security
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ENFORCE, NAMESPACE, UNKNOWN, having


class TestNamespacePodSecurity(Battery):
    rule = namespace_pod_security.RULE
    resource_type = "kubernetes:core/v1:Namespace"
    good = (
        {"metadata": {"labels": {ENFORCE: "restricted"}}},
        {"metadata": {"labels": {ENFORCE: "baseline"}}},
        NAMESPACE,
    )
    bad = (
        (having(NAMESPACE, {f"metadata labels {ENFORCE}": "privileged"}), "'privileged'"),
        ({}, "has no label"),
        ({"metadata": {"labels": {"team": "x"}}}, "has no label"),
        ({"metadata": {"labels": {ENFORCE: "strict"}}}, "'strict'"),
    )
    unknown = ({"metadata": {"labels": {ENFORCE: UNKNOWN}}},)
