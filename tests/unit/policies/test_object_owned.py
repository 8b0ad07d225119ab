from __future__ import annotations

from components.vocabulary import OWNER_LABEL
from policies.rules import object_owned
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, CONFIG, UNKNOWN, having


class TestObjectOwned(Battery):
    rule = object_owned.RULE
    resource_type = "kubernetes:core/v1:ConfigMap"
    good = (CONFIG,)
    bad = ((having(CONFIG, {f"metadata labels {OWNER_LABEL}": ABSENT}), "has no label bighpc.io/owner"),)
    unknown = ({"metadata": {"labels": {OWNER_LABEL: UNKNOWN}}},)
