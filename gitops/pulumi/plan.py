"""What the engine finds different about a stack, read from its event log. No secret ever gets in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

__all__ = ["CHANGES", "Change", "Plan", "PropertyChange", "Verdict", "clean", "read_plan", "short_type"]

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key that marks a special value in the engine's JSON [pulumi/pulumi sdk/go/common/resource/sig]."""
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, published by the engine
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that only the update will know."""

_STOPPED: Final = "preview failed"

_OPERATIONS: Final = {
    "create": "create",
    "import": "create",
    "create-replacement": "replace",
    "replace": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
    "update": "update",
    "delete": "delete",
    "discard": "delete",
    "same": "unchanged",
    "refresh": "unchanged",
}
"""Step of the engine to the word that people use."""

CHANGES: Final = ("create", "update", "replace", "delete")
"""What counts as a change."""


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property that differs."""

    path: str
    """As the engine writes it, for example ``spec.replicas`` or ``rules[0].verbs``."""
    kind: str
    """``add``, ``update`` or ``delete``."""
    replaces: bool
    """Whether this property is why the resource is replaced."""
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource."""

    urn: str
    type: str
    name: str
    operation: str
    """One of `CHANGES`, or ``unchanged``."""
    protected: bool
    parent: str = ""
    """Address of the component that it belongs to."""
    properties: tuple[PropertyChange, ...] = ()
    old: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that are recorded."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that the program asks for."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a policy says about a resource, or about the whole stack (then `urn` is the stack's)."""

    policy: str
    pack: str
    level: str
    """``advisory``, ``mandatory``, ``remediate`` or ``disabled``."""
    severity: str
    message: str
    urn: str

    @property
    def mandatory(self) -> bool:
        """Whether it stops the change."""
        return self.level == "mandatory"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The preview of one stack."""

    stack: str
    changes: tuple[Change, ...]
    verdicts: tuple[Verdict, ...]
    errors: tuple[str, ...]
    """Why the preview failed; empty when it did not."""
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Number of resources per word of `CHANGES` and ``unchanged``."""
        found = Counter(change.operation for change in self.changes)
        return {word: found[word] for word in (*CHANGES, "unchanged")}

    @property
    def failed(self) -> bool:
        """Whether the change may not be merged: the preview failed, or a mandatory policy is violated."""
        return bool(self.errors) or any(verdict.mandatory for verdict in self.verdicts)

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return all(change.operation == "unchanged" for change in self.changes)


def read_plan(stack: str, events: Iterable[Mapping[str, Any]], seconds: float, failure: str | None = None) -> Plan:
    """Return the plan that an event log tells.

    Args:
        stack: the stack's name.
        events: the engine's events, in order [pulumi/pulumi sdk/go/common/apitype/events.go].
        seconds: how long the preview took.
        failure: what to say when the engine failed without an error of its own.
    """
    changes: dict[str, Change] = {}
    refreshing: set[str] = set()
    verdicts: dict[tuple[str, str, str], Verdict] = {}
    errors: dict[str, None] = {}
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            if kind in event:
                _take_in(event[kind]["metadata"], kind == "resourcePreEvent", changes, refreshing)
        if "policyEvent" in event:
            verdict = _verdict(event["policyEvent"])
            verdicts[verdict.urn, verdict.policy, verdict.message] = verdict
        diagnostic = event.get("diagnosticEvent", {})
        if diagnostic.get("severity") == "error" and not diagnostic.get("ephemeral"):
            errors[_plain(diagnostic["message"])] = None
    if any(verdict.mandatory for verdict in verdicts.values()):
        # What the engine says itself about a policy that stopped it.
        errors.pop(_STOPPED, None)
    elif failure is not None and not errors:
        errors[failure] = None
    return Plan(
        stack=stack,
        changes=tuple(changes.values()),
        # The engine registers resources in no certain order.
        verdicts=tuple(sorted(verdicts.values(), key=lambda each: (each.policy, each.urn, each.message))),
        errors=tuple(errors),
        seconds=seconds,
    )


def short_type(token: str) -> str:
    """A type token as people say it: ``Project`` of ``gitlab:index/project:Project``."""
    return token.rsplit(":", 1)[-1]


def _change(metadata: Mapping[str, Any]) -> Change | None:
    operation = _OPERATIONS.get(metadata["op"])
    if operation is None or metadata["type"] == "pulumi:pulumi:Stack":
        return None
    before, after = metadata.get("old") or {}, metadata.get("new") or {}
    old, new = clean(before.get("inputs") or {}), clean(after.get("inputs") or {})
    return Change(
        urn=metadata["urn"],
        type=metadata["type"],
        name=metadata["urn"].rsplit("::", 1)[-1],
        operation=operation,
        protected=bool(before.get("protect") or after.get("protect")),
        parent=after.get("parent") or before.get("parent") or "",
        properties=tuple(
            each if (each.old, each.new) != (None, None) else _of_outputs(each, before, after)
            for each in _properties(metadata, old, new)
        ),
        old=old,
        new=new,
    )


def _take_in(metadata: Mapping[str, Any], begins: bool, changes: dict[str, Change], refreshing: set[str]) -> None:
    """Note one step of the engine.

    What a refresh finds counts only until the engine says what it would do about it, which is the next step to begin.
    """
    change = _change(metadata)
    if change is None:
        return
    if begins and metadata["op"] == "refresh":
        refreshing.add(change.urn)
    elif begins and change.urn in refreshing:
        refreshing.remove(change.urn)
        changes.pop(change.urn, None)
    changes[change.urn] = _merged(changes.get(change.urn), change)


def _of_outputs(change: PropertyChange, before: Mapping[str, Any], after: Mapping[str, Any]) -> PropertyChange:
    """The property with its values where no program set them: what a refresh finds can be an output alone."""
    old, new = (clean(side.get("outputs") or {}) for side in (before, after))
    return replace(change, old=_at(old, change.path), new=_at(new, change.path))


def _merged(known: Change | None, later: Change) -> Change:
    """A replacement comes as several steps; the one that tells most stays."""
    if known is None or (later.operation == known.operation and len(later.properties) >= len(known.properties)):
        return later
    if known.operation == "unchanged":
        return later
    return known


def _properties(
    metadata: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterable[PropertyChange]:
    detailed = metadata.get("detailedDiff") or {}
    for path, difference in sorted(detailed.items()):
        kind = str(difference.get("diffKind", difference.get("kind", "update")))
        yield PropertyChange(
            path=path,
            kind=kind.removesuffix("-replace"),
            replaces=kind.endswith("-replace"),
            old=_at(old, path),
            new=_at(new, path),
        )
    if not detailed:
        replacing = set(metadata.get("keys") or ())
        for path in sorted({*(metadata.get("diffs") or ()), *replacing}):
            kind = "add" if path not in old else "delete" if path not in new else "update"
            yield PropertyChange(path=path, kind=kind, replaces=path in replacing, old=old.get(path), new=new.get(path))


def _at(tree: Any, path: str) -> Any:
    """The value at a property path such as ``spec.ports[0].port`` or ``labels["app.kubernetes.io/name"]``."""
    for step in _steps(path):
        if isinstance(tree, Mapping):
            tree = tree.get(str(step))
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            # A secret hides everything below it.
            return tree if tree == "[secret]" else None
    return tree


def _steps(path: str) -> Iterable[str | int]:
    rest = path
    while rest:
        if rest.startswith('["'):
            name, _, rest = rest[2:].partition('"]')
            yield name
        elif rest.startswith("["):
            number, _, rest = rest[1:].partition("]")
            yield int(number) if number.isdecimal() else number
        else:
            end = min((index for index in (rest.find("."), rest.find("[")) if index >= 0), default=len(rest))
            yield rest[:end]
            rest = rest[end:]
        rest = rest.removeprefix(".")


def clean(value: Any) -> Any:
    """Return a value of the engine's JSON with ``[secret]`` and ``[unknown]`` where it has markers."""
    if isinstance(value, Mapping):
        signature = value.get(_SIGNATURE)
        if signature == _SECRET_SIGNATURE:
            return "[secret]"
        if signature is not None:
            return "[asset]"
        return {key: clean(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return "[unknown]" if value == _UNKNOWN else value


def _verdict(event: Mapping[str, Any]) -> Verdict:
    return Verdict(
        policy=event["policyName"],
        pack=event["policyPackName"],
        level=event["enforcementLevel"],
        severity=event.get("severity") or "",
        message=_plain(event["message"]),
        urn=event.get("resourceUrn", ""),
    )


def _plain(text: str) -> str:
    """Text without the engine's colour commands (``<{%red%}>``) and surrounding space."""
    parts = text.split("<{%")
    return (parts[0] + "".join(part.partition("%}>")[2] for part in parts[1:])).strip()
