from __future__ import annotations

from policies.rules import deploykey_only_reads
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestDeploykeyOnlyReads(Battery):
    rule = deploykey_only_reads.RULE
    resource_type = "gitlab:index/deployKey:DeployKey"
    good = (
        {"canPush": False},
        {},
    )
    bad = (({"project": "7", "title": "reader", "key": "ssh-ed25519 AAAA", "canPush": True}, "it may push"),)
    unknown = ({"canPush": UNKNOWN},)
