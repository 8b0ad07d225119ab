from __future__ import annotations

from policies.rules import application_repository_managed
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import APPLICATION, PROJECT, StackBattery, changed, without


class TestApplicationRepositoryManaged(StackBattery):
    rule = application_repository_managed.RULE
    good = (without(PROJECT, instead=(changed(APPLICATION, {"spec source repoURL": "https://x.example"}),)),)
    bad = (
        (
            without(PROJECT, instead=(changed(PROJECT, {"httpUrlToRepo": "https://elsewhere.example"}),)),
            "application",
            "no project of the platform",
        ),
        (
            without(APPLICATION, instead=(changed(APPLICATION, {"spec source repoURL": "https://elsewhere.example"}),)),
            "application",
            "no project of the platform",
        ),
        (
            without(
                APPLICATION,
                instead=(changed(APPLICATION, {"spec sources": [{"repoURL": "https://elsewhere.example"}]}),),
            ),
            "application",
            "no project of the platform",
        ),
    )
    unknown = (without(PROJECT, instead=(changed(PROJECT, {"httpUrlToRepo": UNKNOWN}),)),)
