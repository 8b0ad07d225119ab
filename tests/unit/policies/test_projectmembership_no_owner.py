from __future__ import annotations

from policies.rules import projectmembership_no_owner
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestProjectmembershipNoOwner(Battery):
    rule = projectmembership_no_owner.RULE
    resource_type = "gitlab:index/projectMembership:ProjectMembership"
    good = ({"accessLevel": "maintainer"},)
    bad = (({"project": "7", "userId": 3, "accessLevel": "owner"}, "makes an owner"),)
    unknown = ({"accessLevel": UNKNOWN},)
