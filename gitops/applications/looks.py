"""What the page shows, made of what Argo CD says: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "HEALTH",
    "PHASES",
    "SYNC",
    "Event",
    "Item",
    "Row",
    "Summary",
    "deployed",
    "find_node",
    "history",
    "newest",
    "rows",
    "summary",
]

Data = Mapping[str, Any]

HEALTH: Final = {
    "Healthy": "success",
    "Progressing": "running",
    "Degraded": "failed",
    "Suspended": "manual",
    "Missing": "warning",
}
"""How each health looks: its colour and its icon."""

SYNC: Final = {"Synced": "success", "OutOfSync": "warning"}
"""How being in sync looks."""

PHASES: Final = {
    "Succeeded": "success",
    "Running": "running",
    "Failed": "failed",
    "Error": "failed",
    "Terminating": "pending",
}
"""How an operation looks."""

_SIMULATED: Final = "kwok"
"""KWOK's nodes say so in the place of the kubelet's version."""

_ORDER: Final = ("Failed", "Degraded", "Missing", "Progressing", "Unknown", "Suspended", "Healthy")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """An application in one line."""

    name: str
    project: str
    namespace: str
    environment: str
    repository: str
    target: str
    """The branch, tag or version that it tracks."""
    revision: str
    """What it was synced to."""
    sync: str
    health: str
    operation: str
    """The phase of the last operation."""
    reasons: tuple[str, ...]
    """Why it is not as it should be."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An object in the tree."""

    depth: int
    uid: str
    kind: str
    name: str
    namespace: str
    health: str
    message: str
    sync: str
    """Whether it is as in git; nothing for what the cluster made of it."""
    images: tuple[str, ...]
    node: str
    """Where a pod runs."""
    simulated: bool | None
    """Whether a pod's node is one of KWOK's; None for what is no pod, or on no node that is known."""
    state: str
    """What a pod says of itself, such as ``CrashLoopBackOff``."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One revision that was deployed."""

    revision: str
    moment: str
    by: str
    """Who asked for it."""
    author: str
    """Of the commit, where it is known."""
    title: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that Kubernetes noted."""

    moment: str
    type: str
    reason: str
    count: int
    subject: str
    message: str


def summary(application: Data) -> Summary:
    """Return an application in one line."""
    metadata, spec, status = (application.get(key) or {} for key in ("metadata", "spec", "status"))
    source: Data = spec.get("source") or next(iter(spec.get("sources") or ()), {})
    sync, operation = status.get("sync") or {}, status.get("operationState") or {}
    return Summary(
        name=metadata.get("name", ""),
        project=spec.get("project", ""),
        namespace=(spec.get("destination") or {}).get("namespace", ""),
        environment=(metadata.get("labels") or {}).get("bighpc.io/environment", ""),
        repository=_address(source.get("repoURL", "")),
        target=source.get("targetRevision") or "HEAD",
        revision=sync.get("revision") or "",
        sync=sync.get("status") or "Unknown",
        health=(status.get("health") or {}).get("status") or "Unknown",
        operation=operation.get("phase") or "",
        reasons=tuple(_reasons(status, operation)),
    )


def _address(address: str) -> str:
    """The address without a user and a password, should somebody have put them there."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address


def _reasons(status: Data, operation: Data) -> Iterator[str]:
    for condition in status.get("conditions") or ():
        yield f"{condition.get('type')}: {condition.get('message')}"
    if operation.get("phase") in {"Failed", "Error"}:
        yield f"Sync {operation['phase'].lower()}: {operation.get('message') or 'no reason was given'}"
    health = status.get("health") or {}
    if health.get("message"):
        yield str(health["message"])


def rows(application: Data, tree: Data) -> list[Row]:
    """Return the application's objects in the order of the tree, each below what made it.

    Args:
        application: the application.
        tree: Argo CD's answer about its objects; an object that git names and the cluster lacks is in it as well.
    """
    nodes = [*(tree.get("nodes") or ()), *(tree.get("orphanedNodes") or ())]
    managed = {_key(each): each for each in (application.get("status") or {}).get("resources") or ()}
    known = {node.get("uid") for node in nodes if node.get("uid")}
    children: dict[str, list[Data]] = {}
    roots = []
    for node in nodes:
        parents = [ref["uid"] for ref in node.get("parentRefs") or () if ref.get("uid") in known]
        if parents:
            children.setdefault(parents[0], []).append(node)
        else:
            roots.append(node)
    simulated = _simulated_nodes(tree)
    there = {_key(node) for node in nodes}
    missing = [{**each, "health": {"status": "Missing"}} for key, each in managed.items() if key not in there]

    def walk(level: Sequence[Data], depth: int, seen: frozenset[str]) -> Iterator[Row]:
        for node in sorted(level, key=_rank):
            yield _row(node, depth, managed.get(_key(node)), simulated)
            uid = node.get("uid")
            if uid and uid not in seen:
                yield from walk(children.get(uid, []), depth + 1, seen | {uid})

    return list(walk([*roots, *missing], 0, frozenset()))


def _key(node: Data) -> tuple[str, ...]:
    return tuple(node.get(each) or "" for each in ("group", "kind", "namespace", "name"))


def _rank(node: Data) -> tuple[int, str, str]:
    health = (node.get("health") or {}).get("status") or "Healthy"
    worst_first = _ORDER.index(health) if health in _ORDER else len(_ORDER)
    return (worst_first, node.get("kind", ""), node.get("name", ""))


def _simulated_nodes(tree: Data) -> dict[str, bool]:
    return {
        host.get("name", ""): (host.get("systemInfo") or {}).get("kubeletVersion", "").startswith(_SIMULATED)
        for host in tree.get("hosts") or ()
    }


def _row(node: Data, depth: int, managed: Data | None, simulated: Mapping[str, bool]) -> Row:
    said = {each.get("name"): each.get("value", "") for each in node.get("info") or ()}
    health = node.get("health") or (managed or {}).get("health") or {}
    place = said.get("Node", "")
    return Row(
        depth=depth,
        uid=node.get("uid", ""),
        kind=node.get("kind", ""),
        name=node.get("name", ""),
        namespace=node.get("namespace", ""),
        health=health.get("status", ""),
        message=health.get("message", ""),
        sync=(managed or {}).get("status", ""),
        images=tuple(node.get("images") or ()),
        node=place,
        simulated=simulated.get(place) if node.get("kind") == "Pod" else None,
        state=said.get("Status Reason", ""),
    )


def find_node(tree: Data, uid: str) -> Data | None:
    """Return the object of the tree with that identity."""
    return next((node for node in tree.get("nodes") or () if node.get("uid") == uid), None)


def deployed(application: Data, most: int) -> list[Data]:
    """Return what was deployed last, the newest first."""
    found = (application.get("status") or {}).get("history") or ()
    return list(reversed(found))[:most]


def history(entries: Sequence[Data], commits: Mapping[str, Data]) -> list[Item]:
    """Return what was deployed as it is shown.

    Args:
        entries: of the application's status.
        commits: what is known of the revisions.
    """
    return [_item(each, commits.get(each.get("revision", ""), {})) for each in entries]


def _item(entry: Data, commit: Data) -> Item:
    return Item(
        revision=entry.get("revision") or ", ".join(entry.get("revisions") or ()),
        moment=entry.get("deployedAt", ""),
        by=_initiator(entry.get("initiatedBy") or {}),
        author=commit.get("author", ""),
        title=str(commit.get("message", "")).partition("\n")[0],
    )


def _initiator(by: Data) -> str:
    return "Argo CD" if by.get("automated") else str(by.get("username") or "")


def newest(events: Sequence[Data]) -> list[Event]:
    """Return events as they are shown, the newest first."""
    return sorted(map(_event, events), key=lambda each: each.moment, reverse=True)


def _event(event: Data) -> Event:
    subject = event.get("involvedObject") or {}
    return Event(
        # What came through the newer API of events has the one, what came through the older has the other.
        moment=str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or ""),
        type=event.get("type", ""),
        reason=event.get("reason", ""),
        count=int(event.get("count") or 1),
        subject=f"{subject.get('kind', '')} {subject.get('name', '')}",
        message=event.get("message", ""),
    )
