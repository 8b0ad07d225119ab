"""The operator's ``Stack`` object: what it says, and the one field of it that is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from queue import Queue
from threading import Event, Thread
from typing import Any, Final

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta

from gitops.errors import CommandError

__all__ = ["MANAGER", "REQUEST", "STACK", "StackObject", "StackState"]

STACK: Final = create_namespaced_resource("pulumi.com", "v1", "Stack", "stacks")
"""The kind, of both generations of the operator."""

MANAGER: Final = "bighpc-release"
"""The field manager that owns ``spec.commit``."""

REQUEST: Final = "pulumi.com/reconciliation-request"
"""The annotation by which the operator is asked for a run, and by which it says which request it has seen to."""

_WATCH_S: Final = 30
"""After that long the cluster ends a watch, and it is begun anew."""
_PAUSE_S: Final = 2


Reach = Callable[[], AbstractContextManager[Client]]
"""Makes another client of the same cluster."""


@dataclass(frozen=True, kw_only=True)
class StackState:
    """What the object says."""

    version: str
    """The object's version in the API."""
    commit: str | None
    """What it was told to run."""
    seen: str | None
    """The last request for a run that the operator has seen to."""
    ready: bool
    stalled: bool
    """Whether the operator waits for the object to change."""
    outcome: str | None
    """Of the last update: ``succeeded`` or ``failed``."""
    attempted: str | None
    """The commit of the last update; none when it did not get as far as the program."""
    succeeded: str | None
    """The commit of the last update that succeeded."""
    reason: str
    message: str

    @property
    def conflicts(self) -> bool:
        """Whether somebody else's update holds the stack; the operator does not try again by itself."""
        return self.reason == "UpdateConflict"

    def runs(self, commit: str) -> bool:
        """Whether the commit was brought up."""
        return self.ready and self.outcome == "succeeded" and self.succeeded == commit

    def failed(self, commit: str) -> bool:
        """Whether the commit was run and failed, or cannot be run; what may pass by itself is neither."""
        ran = self.outcome == "failed" and self.attempted == commit
        return not self.ready and not self.conflicts and (ran or self.stalled)


class StackObject:
    """The object of one environment."""

    def __init__(self, client: Client, environment: str, namespace: str, reach: Reach) -> None:
        self._client = client
        # A connection that is closed under a thread that reads from it gives that thread what is opened next: a watch
        # has one of its own, which it closes by itself.
        self._reach = reach
        self._namespace = namespace
        self.name = f"bighpc-{environment}"

    def read(self) -> StackState:
        """Return what it says now.

        Raises:
            CommandError: when it is not there.
            ApiError: when the cluster refuses otherwise.
            httpx2.HTTPError: when the cluster does not answer.
        """
        try:
            found = dict(self._client.get(STACK, self.name, namespace=self._namespace))
        except ApiError as error:
            if error.status.code != 404:
                raise
            raise CommandError(
                f"there is no Stack object {self.name} in namespace {self._namespace}",
                "Bring the stack up by hand once: pulumi up. It makes the object, and what the operator may do.",
            ) from None
        return _state(found)

    @contextmanager
    def watched(self, since: str) -> Iterator[Queue[StackState]]:
        """What it says, each time that this changes: why an attempt failed is gone when the next one begins.

        Where the cluster does not let it be watched nothing comes, and `read` is all that there is.

        Args:
            since: the object's version that is known.
        """
        changes: Queue[StackState] = Queue()
        ended = Event()

        def listen() -> None:
            version: str | None = since
            with self._reach() as client:
                while not ended.is_set():
                    try:
                        for found in self._changes(client, version):
                            changes.put(found)
                            if ended.is_set():
                                break
                    except (ApiError, httpx2.HTTPError, OSError, RuntimeError):
                        # From what it says by then on: the cluster may not remember the version any more.
                        version = None
                        ended.wait(_PAUSE_S)

        Thread(target=listen, daemon=True).start()
        try:
            yield changes
        finally:
            ended.set()

    def _changes(self, client: Client, since: str | None) -> Iterator[StackState]:
        asked = client.watch(
            STACK,
            namespace=self._namespace,
            fields={"metadata.name": self.name},
            server_timeout=_WATCH_S,
            resource_version=since,
        )
        for _, found in asked:
            yield _state(dict(found))

    def set_commit(self, commit: str, request: str, version: str) -> str:
        """Tell the operator to run a commit, unless the object has changed since.

        Args:
            commit: the whole name.
            request: a text that no request before had.
            version: the object's, as it was read.

        Returns:
            The object's new version.

        Raises:
            ApiError: 409 when it has changed, 403 when that is not allowed.
            httpx2.HTTPError: when the cluster does not answer.
        """
        wanted = STACK(
            metadata=ObjectMeta(
                name=self.name, namespace=self._namespace, resourceVersion=version, annotations={REQUEST: request}
            ),
            spec={"commit": commit},
        )
        return _version(dict(self._client.apply(wanted, field_manager=MANAGER, force=True)))


def _state(found: Mapping[str, Any]) -> StackState:
    spec, status = found.get("spec") or {}, found.get("status") or {}
    update = status.get("lastUpdate") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    # What the operator does says more than that it is not ready.
    telling = [conditions[kind] for kind in ("Stalled", "Reconciling", "Ready") if _holds(conditions, kind)]
    told: Mapping[str, Any] = telling[0] if telling else {}
    return StackState(
        version=_version(found),
        commit=spec.get("commit"),
        seen=status.get("observedReconcileRequest"),
        ready=_holds(conditions, "Ready"),
        stalled=_holds(conditions, "Stalled"),
        outcome=update.get("state"),
        attempted=update.get("lastAttemptedCommit"),
        succeeded=update.get("lastSuccessfulCommit"),
        reason=str(told.get("reason", "")),
        message=str(told.get("message", "")),
    )


def _version(found: Mapping[str, Any]) -> str:
    return str(found["metadata"]["resourceVersion"])


def _holds(conditions: Mapping[str, Any], kind: str) -> bool:
    return bool(kind in conditions and conditions[kind].get("status") == "True")
