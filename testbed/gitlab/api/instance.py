"""The instance itself."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.settings import REVISION, VERSION

__all__ = ["routes"]

routes = Routes(anonymous=False)


@routes.get("/version", scopes=("read_user",))
def get_version(call: Call) -> dict[str, str]:
    """Release and revision."""
    _ = call.user
    return {"version": VERSION, "revision": REVISION}


@routes.get("/metadata", scopes=("read_user",))
def get_metadata(call: Call) -> dict[str, Any]:
    """Release, revision and the agent server."""
    proxy = call.forge.settings.kubernetes_proxy
    return {
        "version": VERSION,
        "revision": REVISION,
        "kas": {
            "enabled": True,
            "externalUrl": proxy.removesuffix("k8s-proxy/").replace("http", "ws", 1),
            "externalK8sProxyUrl": proxy,
            "version": VERSION,
        },
        "enterprise": True,
    }
