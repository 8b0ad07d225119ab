from __future__ import annotations

from policies.rules import deploytoken_only_reads
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOY_TOKEN, UNKNOWN, having


class TestDeploytokenOnlyReads(Battery):
    rule = deploytoken_only_reads.RULE
    resource_type = "gitlab:index/projectDeployToken:ProjectDeployToken"
    good = (DEPLOY_TOKEN,)
    bad = ((having(DEPLOY_TOKEN, {"scopes": ["read_repository", "write_registry"]}), "'write_registry'"),)
    unknown = ({"scopes": UNKNOWN},)
    beside_unknown = (({"scopes": [UNKNOWN, "write_registry"]}, "'write_registry'"),)
