from __future__ import annotations

from policies.rules import ingress_encrypted
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, INGRESS, UNKNOWN, having


class TestIngressEncrypted(Battery):
    rule = ingress_encrypted.RULE
    resource_type = "kubernetes:networking.k8s.io/v1:Ingress"
    good = (INGRESS,)
    bad = (
        (having(INGRESS, {"spec tls": ABSENT}), "jupyter.example is not encrypted"),
        (having(INGRESS, {"spec rules": [{"http": {"paths": []}}]}), "every host"),
    )
    unknown = (
        {"spec": {"rules": UNKNOWN}},
        {"spec": {"tls": UNKNOWN, "rules": [{"host": "a"}]}},
    )
