"""What Argo CD says about a branch."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from lightkube import Client, KubeConfig
from lightkube.config.models import Cluster, User

from gitops.errors import CommandError
from gitops.promote.evidence import Delivery, deliveries

URL = "https://gitlab.example/bighpc/environments.git"


def application(name: str, url: str = URL, branch: str = "dev", **status: Any) -> dict[str, Any]:
    """An application as the API server shows it."""
    spec = {"source": {"repoURL": url, "targetRevision": branch, "path": "x"}}
    return {"metadata": {"name": name, "namespace": "argocd"}, "spec": spec, "status": status}


def asked(response: httpx2.Response) -> list[Delivery]:
    """What is found when the API server answers that."""
    config = KubeConfig.from_one(cluster=Cluster(server="http://cluster.test"), user=User(token="t0ken")).get()
    with Client(config=config, transport=httpx2.MockTransport(lambda _: response), trust_env=False) as client:
        return deliveries(client, URL, "dev")


def test_applications_of_the_branch_are_told_with_their_state() -> None:
    well: dict[str, Any] = {"sync": {"status": "Synced", "revision": "abc"}, "health": {"status": "Healthy"}}
    items = [
        application("b", URL.removesuffix(".git"), **well),
        application("a"),
        application("of-prod", branch="prod"),
        application("elsewhere", "https://gitlab.example/bighpc/platform.git"),
    ]
    found = asked(httpx2.Response(200, json={"metadata": {}, "items": items}))
    assert found == [
        Delivery(application="a", revision="", sync="Unknown", health="Unknown"),
        Delivery(application="b", revision="abc", sync="Synced", health="Healthy"),
    ]
    assert [each.is_at("abc") for each in found] == [False, True]


def test_a_refusal_is_told() -> None:
    status = {"kind": "Status", "code": 403, "message": "forbidden", "status": "Failure"}
    with pytest.raises(CommandError, match="cannot be listed: it answered 403: forbidden"):
        asked(httpx2.Response(403, json=status))
