from __future__ import annotations

from policies.rules import project_import_no_credentials
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectImportNoCredentials(Battery):
    rule = project_import_no_credentials.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"importUrl": "https://gitlab.example/a.git"},
        {"importUrl": "ssh://git@gitlab.example/a.git"},
    )
    bad = ((having(PROJECT, {"importUrl": "https://me:canary@gitlab.example/a.git"}), "importUrl carries credentials"),)
    unknown = ({"importUrl": UNKNOWN},)
