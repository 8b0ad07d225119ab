from __future__ import annotations

from policies.rules import hook_tls_verified
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, HOOK, UNKNOWN, having


class TestHookTlsVerified(Battery):
    rule = hook_tls_verified.RULE
    resource_type = "gitlab:index/projectHook:ProjectHook"
    good = (
        HOOK,
        having(HOOK, {"enableSslVerification": ABSENT}),
    )
    bad = ((having(HOOK, {"enableSslVerification": False}), "TLS is not verified"),)
    unknown = ({"enableSslVerification": UNKNOWN},)
