from __future__ import annotations

from policies.rules import hook_address_no_credentials
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import HOOK, UNKNOWN, having


class TestHookAddressNoCredentials(Battery):
    rule = hook_address_no_credentials.RULE
    resource_type = "gitlab:index/projectHook:ProjectHook"
    good = (HOOK,)
    bad = (
        (having(HOOK, {"url": "https://me:canary@argocd.example/"}), "carries credentials"),
        ({"url": "https://canary@[argocd"}, "carries credentials"),
    )
    unknown = ({"url": UNKNOWN},)
