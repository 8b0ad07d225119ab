from __future__ import annotations

from policies.rules import appproject_roles_exact
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import APP_PROJECT, UNKNOWN, having


class TestAppprojectRolesExact(Battery):
    rule = appproject_roles_exact.RULE
    resource_type = "kubernetes:argoproj.io/v1alpha1:AppProject"
    good = (
        APP_PROJECT,
        {
            "spec": {
                "roles": [{"name": "ci", "policies": ["p, proj:a:ci, applications, sync, a/hello, allow", "g, x, y"]}]
            }
        },
    )
    bad = (
        (
            having(
                APP_PROJECT, {"spec roles": [{"name": "ci", "policies": ["p, proj:a:ci, applications, *, a/*, allow"]}]}
            ),
            "everything with applications",
        ),
    )
    unknown = ({"spec": {"roles": UNKNOWN}},)
    beside_unknown = (
        (
            {"spec": {"roles": [UNKNOWN, {"name": "ci", "policies": ["p, proj:a:ci, applications, *, a/*, allow"]}]}},
            "everything",
        ),
    )
