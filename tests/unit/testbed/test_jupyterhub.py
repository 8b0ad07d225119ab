from __future__ import annotations

from collections.abc import Callable

import pytest

from stacks.settings import parse_stack
from testbed import jupyterhub
from testbed.context import Context
from testbed.errors import UserError
from testbed.jupyterhub import Client
from testbed.progress import Progress

CLIENT = Client(client_id="of-the-hub", client_secret="canary-of-the-client-0123456789abcdef")
IMAGES = {name: f"registry.bighpc.test/{name}:1@sha256:{'a' * 64}" for name in ("jupyterhub", "jupyterlab")}


def test_what_it_writes_into_the_stacks_file_is_a_hub(context: Context) -> None:
    written = jupyterhub.settings(context, "dev", CLIENT, IMAGES)
    assert "canary" not in str(written), "the secret goes its own way"
    written["oauth"] |= {"clientSecret": CLIENT.client_secret}
    hub = parse_stack({"jupyterhub": written}, "test").jupyterhub
    assert hub is not None
    assert hub.address == jupyterhub.hub_url(context, "dev")
    assert next(iter(hub.offered)) == "small"


def test_the_hubs_pod_may_reach_gitlab_and_the_api_where_they_listen(context: Context) -> None:
    written = jupyterhub.settings(context, "dev", CLIENT, IMAGES)
    assert written["ports"] == [context.ports["gitlab"], context.ports["kube-apiserver"]]
    assert written["oauth"]["gitlabUrl"].endswith(f":{context.ports['gitlab']}")


def test_a_client_tells_no_secret() -> None:
    assert "canary" not in f"{CLIENT} {CLIENT!r}"


def test_without_a_real_node_it_says_what_is_missing(make_context: Callable[..., Context]) -> None:
    with pytest.raises(UserError, match="no real node"):
        jupyterhub.configure(make_context(real_node=False), "dev", {}, Progress())
