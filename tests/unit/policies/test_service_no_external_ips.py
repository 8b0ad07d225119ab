from __future__ import annotations

from policies.rules import service_no_external_ips
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import SERVICE, UNKNOWN, having


class TestServiceNoExternalIps(Battery):
    rule = service_no_external_ips.RULE
    resource_type = "kubernetes:core/v1:Service"
    good = (SERVICE,)
    bad = ((having(SERVICE, {"spec externalIPs": ["192.0.2.1"]}), "externalIPs"),)
    unknown = ({"spec": {"externalIPs": UNKNOWN}},)
