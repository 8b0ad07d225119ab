from __future__ import annotations

from policies.rules import application_admitted
from tests.unit.policies.samples import UNKNOWN
from tests.unit.policies.stack_battery import APP_PROJECT, APPLICATION, StackBattery, changed, without


class TestApplicationAdmitted(StackBattery):
    rule = application_admitted.RULE
    good = (
        without(APPLICATION, instead=(changed(APPLICATION, {"spec project": "default"}),)),
        without(APPLICATION, instead=(changed(APPLICATION, {"spec destination namespace": "argocd"}),)),
    )
    bad = (
        (without(APP_PROJECT), "application", "'bighpc-dev' is not part of the stack"),
        (
            without(APPLICATION, instead=(changed(APPLICATION, {"spec source repoURL": "https://elsewhere.example"}),)),
            "application",
            "does not admit its repository",
        ),
        (
            without(APPLICATION, instead=(changed(APPLICATION, {"spec destination namespace": "bighpc-prod"}),)),
            "application",
            "does not admit the namespace 'bighpc-prod'",
        ),
        (
            without(APPLICATION, instead=(changed(APPLICATION, {"spec destination server": "https://other.example"}),)),
            "application",
            "does not admit the namespace",
        ),
    )
    unknown = (
        without(APPLICATION, instead=(changed(APPLICATION, {"spec source repoURL": UNKNOWN}),)),
        without(APP_PROJECT, instead=(changed(APP_PROJECT, {"spec sourceRepos": UNKNOWN}),)),
    )
    beside_unknown = (
        (
            without(
                instead=(
                    changed(APPLICATION, {"spec project": UNKNOWN}, "new"),
                    changed(APPLICATION, {"spec project": "gone"}, "lost"),
                )
            ),
            "lost",
        ),
    )
