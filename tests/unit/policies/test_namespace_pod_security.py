from __future__ import annotations

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as UNKNOWN

from policies.rules import namespace_pod_security
from tests.unit.policies.battery import Battery

ENFORCE = "pod-security.kubernetes.io/enforce"


class TestNamespacePodSecurity(Battery):
    rule = namespace_pod_security.RULE
    resource_type = "kubernetes:core/v1:Namespace"
    good = ({"metadata": {"labels": {ENFORCE: "restricted"}}}, {"metadata": {"labels": {ENFORCE: "baseline"}}})
    bad = (
        ({}, "has no label"),
        ({"metadata": {"labels": {"team": "x"}}}, "has no label"),
        ({"metadata": {"labels": {ENFORCE: "privileged"}}}, "'privileged'"),
        ({"metadata": {"labels": {ENFORCE: "strict"}}}, "'strict'"),
    )
    unknown = ({"metadata": {"labels": {ENFORCE: UNKNOWN}}},)
