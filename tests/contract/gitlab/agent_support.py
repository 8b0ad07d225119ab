"""An agent server beside the double, and a cluster in front of which it stands."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lightkube import KubeConfig
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from testbed.gitlab.kas.agents import SERVICE_ACCOUNT, TOKEN_SECRET, Agents
from testbed.gitlab.kas.gitlab_api import GitLabApi
from testbed.gitlab.kas.proxy import PREFIX, application
from tests.contract.gitlab.support import KAS_SECRET
from tests.contract.serving import serving


@dataclass
class Cluster:
    """An API server that knows secrets, gives tokens of service accounts, and remembers everything else."""

    url: str = ""
    secrets: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    """The token requests that were granted."""
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """Method, path with query, headers and body of what the proxy carried."""
    watches_ended: threading.Event = field(default_factory=threading.Event)

    def connect(self, token: str, namespace: str = "agents", uid: str = "one") -> None:
        """Put an agent's token into the cluster."""
        facts = {"name": TOKEN_SECRET, "namespace": namespace, "uid": uid}
        self.secrets.append({"metadata": facts, "data": {"token": base64.b64encode(token.encode()).decode()}})

    def routes(self) -> list[Route]:
        """What it answers to."""
        account = f"/api/v1/namespaces/{{namespace}}/serviceaccounts/{SERVICE_ACCOUNT}/token"
        return [
            Route("/api/v1/secrets", self._list),
            Route(account, self._token, methods=["POST"]),
            Route("/watch", self._watch),
            Route("/{path:path}", self._anything, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        assert request.query_params["fieldSelector"] == f"metadata.name={TOKEN_SECRET}"
        return JSONResponse({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": self.secrets})

    async def _token(self, request: Request) -> Response:
        asked = await request.json()
        self.tokens.append({"namespace": request.path_params["namespace"], **asked["spec"]})
        ends = datetime.now(UTC) + timedelta(seconds=asked["spec"]["expirationSeconds"])
        status = {"token": f"account-{len(self.tokens)}", "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return JSONResponse({**asked, "status": status}, 201)

    async def _watch(self, _request: Request) -> Response:
        async def events() -> Any:
            try:
                yield b'{"type": "ADDED"}\n'
                await asyncio.Event().wait()
            finally:
                self.watches_ended.set()

        return StreamingResponse(events(), media_type="application/json")

    async def _anything(self, request: Request) -> Response:
        raw = request.scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
        self.seen.append((request.method, raw, dict(request.headers), await request.body()))
        if "refused" in raw:
            return JSONResponse({"kind": "Status", "reason": "Forbidden", "code": 403}, 403)
        return JSONResponse({"path": raw}, headers={"Audit-Id": "7"})


@dataclass
class AgentServer:
    """A running agent server and its cluster."""

    url: str
    cluster: Cluster
    later: float = 0.0
    """Seconds by which its clock goes ahead."""

    def time(self) -> float:
        """What its clock says."""
        return time.time() + self.later

    def address(self, path: str) -> str:
        """Where a path of the cluster's API is reached."""
        return f"{self.url}{PREFIX}{path}"


@contextmanager
def agent_server(gitlab: str) -> Iterator[AgentServer]:
    """An agent server of a GitLab, in front of a cluster of its own."""
    cluster = Cluster()
    with serving(Starlette(routes=cluster.routes())) as cluster.url:
        config = KubeConfig.from_dict(
            {
                "clusters": [{"name": "paper", "cluster": {"server": cluster.url}}],
                "users": [{"name": "kas", "user": {}}],
                "contexts": [{"name": "paper", "context": {"cluster": "paper", "user": "kas"}}],
                "current-context": "paper",
            }
        ).get()
        assert config is not None
        made, api = AgentServer("", cluster), GitLabApi(gitlab, KAS_SECRET)
        with serving(application(api, Agents(config, api, made.time), cluster.url, True)) as made.url:
            yield made
