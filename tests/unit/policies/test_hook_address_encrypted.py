from __future__ import annotations

from policies.rules import hook_address_encrypted
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import HOOK, UNKNOWN, having


class TestHookAddressEncrypted(Battery):
    rule = hook_address_encrypted.RULE
    resource_type = "gitlab:index/projectHook:ProjectHook"
    good = (
        HOOK,
        {"url": "http://127.0.0.1:8080/api/webhook"},
        {"url": "http://localhost/"},
        {"url": "http://[::1]:80/"},
        {"url": "http://argocd-server.argocd.svc/api/webhook"},
    )
    bad = (
        (
            having(HOOK, {"url": "http://argocd.example/api/webhook?token=canary"}),
            "http://argocd.example/api/webhook is not encrypted",
        ),
        ({"url": "http://[broken"}, "is not encrypted"),
        ({"url": "http://192.0.2.7/"}, "is not encrypted"),
    )
    unknown = ({"url": UNKNOWN},)
