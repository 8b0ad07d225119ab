from __future__ import annotations

from policies.rules import project_pages_private
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectPagesPrivate(Battery):
    rule = project_pages_private.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"pagesAccessLevel": "private"},
    )
    bad = ((having(PROJECT, {"pagesAccessLevel": "public"}), "its pages are public"),)
    unknown = ({"pagesAccessLevel": UNKNOWN},)
