"""Argo CD's API with the shapes that version 3.2 answers with, and an application that a test can change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

__all__ = [
    "TOKEN",
    "FakeArgoCD",
]

TOKEN = "canary.token.of-the-page"
REVISION = "3f1c9a0d5b7e8f60718293a4b5c6d7e8f9012345"
EARLIER = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"

APPLICATION: dict[str, Any] = {
    "metadata": {
        "name": "hello-dev",
        "namespace": "argocd",
        "labels": {"bighpc.io/environment": "dev", "app.kubernetes.io/name": "hello"},
    },
    "spec": {
        "project": "bighpc-dev",
        "source": {
            "repoURL": "https://someone:canary-password@gitlab.example/bighpc/environments.git",
            "targetRevision": "dev",
            "path": "applications/hello/overlays/dev",
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "bighpc-dev"},
    },
    "status": {
        "sync": {"status": "Synced", "revision": REVISION},
        "health": {"status": "Healthy", "lastTransitionTime": "2026-11-25T05:00:00Z"},
        "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)"},
        "resources": [
            {"version": "v1", "kind": "Service", "namespace": "bighpc-dev", "name": "hello", "status": "Synced"},
            {
                "group": "apps",
                "version": "v1",
                "kind": "Deployment",
                "namespace": "bighpc-dev",
                "name": "hello",
                "status": "Synced",
            },
        ],
        "history": [
            {
                "id": 0,
                "revision": EARLIER,
                "deployedAt": "2026-11-24T10:00:00Z",
                "initiatedBy": {"automated": True},
            },
            {"id": 1, "revision": REVISION, "deployedAt": "2026-11-25T05:00:00Z", "initiatedBy": {"username": "ada"}},
        ],
    },
}


def _node(kind: str, name: str, uid: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    made = {"version": "v1", "kind": kind, "namespace": "bighpc-dev", "name": name, "uid": uid, **more}
    return {**made, "parentRefs": [{"uid": parent}]} if parent else made


def _pod(name: str, uid: str, node: str) -> dict[str, Any]:
    info = [
        {"name": "Status Reason", "value": "Running"},
        {"name": "Node", "value": node},
        {"name": "Containers", "value": "1/1"},
    ]
    return _node("Pod", name, uid, "replicaset", info=info, health={"status": "Healthy"}, images=["hello:1.0.0"])


TREE: dict[str, Any] = {
    "nodes": [
        _pod("hello-abc-real", "pod-real", "testbed-0"),
        _pod("hello-abc-simulated", "pod-simulated", "simulated-0"),
        _node("ReplicaSet", "hello-abc", "replicaset", "deployment", group="apps", health={"status": "Healthy"}),
        _node("Deployment", "hello", "deployment", group="apps", health={"status": "Healthy"}),
        _node("Service", "hello", "service", health={"status": "Healthy"}),
    ],
    "hosts": [
        {"name": "testbed-0", "systemInfo": {"kubeletVersion": "v1.34.4"}},
        {"name": "simulated-0", "systemInfo": {"kubeletVersion": "kwok-v0.7.0"}},
    ],
}

EVENT: dict[str, Any] = {
    "type": "Normal",
    "reason": "OperationCompleted",
    "message": "Sync operation succeeded <script>alert(1)</script>",
    "count": 2,
    "lastTimestamp": "2026-11-25T05:00:00Z",
    "involvedObject": {"kind": "Application", "name": "hello-dev"},
}


@dataclass
class FakeArgoCD:
    """What the fake answers with; a change counts once `changed` was called."""

    application: dict[str, Any] = field(default_factory=lambda: deepcopy(APPLICATION))
    tree: dict[str, Any] = field(default_factory=lambda: deepcopy(TREE))
    log: list[str] = field(default_factory=lambda: ["listening", "GET / 200"])
    version: int = 0
    there: bool = True
    """Whether the application exists."""

    def reset(self) -> None:
        """Answer as in the beginning."""
        fresh = FakeArgoCD()
        self.application, self.tree, self.log, self.there = fresh.application, fresh.tree, fresh.log, fresh.there
        self.changed()

    def changed(self) -> None:
        """Tell those who watch."""
        self.version += 1

    def app(self) -> ASGIApp:
        """The API as an application."""
        name = "/api/v1/applications/{name}"
        return Starlette(
            routes=[
                Route("/api/v1/applications", self._list),
                Route(name, self._get),
                Route(f"{name}/resource-tree", self._tree),
                Route(f"{name}/events", self._events),
                Route(f"{name}/logs", self._logs),
                Route(f"{name}/revisions/{{revision}}/metadata", self._revision),
                Route("/api/v1/stream/applications", self._watch),
                Route("/api/v1/stream/applications/{name}/resource-tree", self._watch),
            ]
        )

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "no session information", "code": 16, "message": "no session"}, 401)
        if request.path_params.get("name", "hello-dev") != "hello-dev" or not self.there:
            return JSONResponse({"error": "permission denied", "code": 7, "message": "permission denied"}, 403)
        return None

    async def _list(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        return JSONResponse({"metadata": {}, "items": [self.application]})

    async def _get(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(self.application)

    async def _tree(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(self.tree)

    async def _events(self, request: Request) -> Response:
        of = request.query_params.get("resourceName")
        event = {**EVENT, "involvedObject": {"kind": "Pod", "name": of}, "reason": "Pulled"} if of else EVENT
        return self._refusal(request) or JSONResponse({"metadata": {}, "items": [event]})

    async def _revision(self, request: Request) -> Response:
        if request.path_params["revision"] == EARLIER:
            return JSONResponse({"error": "unknown revision", "code": 2, "message": "unknown revision"}, 500)
        return self._refusal(request) or JSONResponse(
            {"author": "Ada <ada@example.org>", "date": "2026-11-25T04:59:00Z", "message": "feat: greet\n\nAt length."}
        )

    async def _logs(self, request: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            sent = 0
            while True:
                for line in self.log[sent:]:
                    said = {"content": line, "timeStampStr": "2026-11-25T05:00:00Z", "last": False}
                    yield json.dumps({"result": {**said, "podName": request.query_params["podName"]}}) + "\n"
                sent = len(self.log)
                await asyncio.sleep(0.02)

        return self._refusal(request) or StreamingResponse(lines(), media_type="application/json")

    async def _watch(self, request: Request) -> Response:
        async def messages() -> AsyncIterator[str]:
            seen = -1
            while True:
                if seen != self.version:
                    seen = self.version
                    yield json.dumps({"result": {"type": "MODIFIED", "application": self.application}}) + "\n"
                await asyncio.sleep(0.02)

        return self._refusal(request) or StreamingResponse(messages(), media_type="application/json")
