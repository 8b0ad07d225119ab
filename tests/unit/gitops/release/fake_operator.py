"""A cluster with one ``Stack`` object, and an operator that does what a test tells it to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from lightkube import Client, KubeConfig
from lightkube.config.models import Cluster, User

from gitops.release.stack_object import REQUEST

__all__ = ["FakeOperator"]

_PATH = "/apis/pulumi.com/v1/namespaces/pulumi-operator/stacks"


class FakeOperator:
    """Answers as the API server does; each look at the object lets the operator take a step."""

    def __init__(self) -> None:
        self.commit: str | None = None
        self.request: str | None = None
        self.version = 1
        self.status: dict[str, Any] = {}
        self.steps: list[dict[str, Any] | Exception | int] = []
        """What happens, look by look: a status, an error on the way, or an answer's status code."""
        self.events: list[dict[str, Any]] = []
        """Statuses that only who watches sees; none: it cannot be watched."""
        self.taken_by: str | None = None
        """A commit that somebody else sets before the next one of ours."""
        self.refuses = False
        self.applied: list[dict[str, Any]] = []

    @staticmethod
    def processing(**update: Any) -> dict[str, Any]:
        """The operator is at work."""
        return _status(update, Reconciling=("StackProcessing", "stack is being processed"))

    def ready(self, commit: str) -> dict[str, Any]:
        """A commit runs."""
        update = {"state": "succeeded", "lastAttemptedCommit": commit, "lastSuccessfulCommit": commit}
        return _status(update, Ready=("ProcessingCompleted", "the stack has been processed and is up to date"))

    def failed(self, commit: str, message: str, kind: str = "Reconciling", reason: str = "") -> dict[str, Any]:
        """A commit failed."""
        update = {"state": "failed", "lastAttemptedCommit": commit}
        return _status(update, **{kind: (reason or "RetryingAfterFailure", message)})

    @contextmanager
    def client(self) -> Iterator[Client]:
        """The real client on it."""
        config = KubeConfig.from_one(cluster=Cluster(server="http://cluster.test"), user=User(token="t0ken")).get()
        with Client(config=config, transport=httpx2.MockTransport(self._answer), trust_env=False) as made:
            yield made

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.refuses:
            return _refusal(403, 'stacks "bighpc-dev" is forbidden')
        if request.method == "PATCH":
            return self._apply(json.loads(request.content), request.url.params)
        if request.url.path == _PATH:
            return self._watch()
        if self.steps:
            step = self.steps.pop(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, int):
                return _refusal(step, "etcd is busy")
            self._become(step)
        return httpx2.Response(200, json=self._object())

    def _become(self, status: Mapping[str, Any]) -> None:
        self.version += 1
        seen = status.get("observedReconcileRequest", self.request)
        self.status = {**status, "observedReconcileRequest": seen}

    def _watch(self) -> httpx2.Response:
        if not self.events:
            return _refusal(403, "stacks is forbidden: may not watch")
        lines = []
        for status in self.events:
            self._become(status)
            lines.append(json.dumps({"type": "MODIFIED", "object": self._object()}))
        self.events = []
        return httpx2.Response(200, content="".join(f"{line}\n" for line in lines))

    def _apply(self, asked: Mapping[str, Any], how: Mapping[str, str]) -> httpx2.Response:
        if self.taken_by is not None:
            self.commit, self.taken_by = self.taken_by, None
            self.version += 1
        if asked["metadata"]["resourceVersion"] != str(self.version):
            return _refusal(409, "the object has been modified")
        assert how["fieldManager"] == "bighpc-release"
        self.applied.append(dict(asked["spec"]))
        self.commit = asked["spec"]["commit"]
        self.request = asked["metadata"]["annotations"][REQUEST]
        self.version += 1
        return httpx2.Response(200, json=self._object())

    def _object(self) -> dict[str, Any]:
        metadata = {"name": "bighpc-dev", "namespace": "pulumi-operator", "resourceVersion": str(self.version)}
        spec = {"commit": self.commit} if self.commit else {}
        return {
            "apiVersion": "pulumi.com/v1",
            "kind": "Stack",
            "metadata": metadata,
            "spec": spec,
            "status": self.status,
        }


def _status(update: Mapping[str, Any], **conditions: tuple[str, str]) -> dict[str, Any]:
    listed = [
        {"type": kind, "status": "True", "reason": reason, "message": message}
        for kind, (reason, message) in conditions.items()
    ]
    return {"lastUpdate": dict(update), "conditions": listed}


def _refusal(code: int, message: str) -> httpx2.Response:
    status = {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "status": "Failure"}
    return httpx2.Response(code, json=status)
