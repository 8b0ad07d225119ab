"""How objects in GitLab come, change and go: the general case. Special cases override it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from testbed.provider.api import Answer, Api
from testbed.provider.model import Property, Resource, Send
from testbed.provider.values import Properties

__all__ = ["Call", "Lifecycle", "look_up"]

_MISSING = object()


@dataclass
class Call:
    """One operation on one object."""

    api: Api
    resource: Resource
    state: Properties
    """What is known about it: the program's inputs over what was recorded before."""
    inputs: Properties = field(default_factory=dict)
    """What the program wants."""
    recorded: Properties = field(default_factory=dict)
    """What was recorded about it before."""

    @property
    def item(self) -> str:
        """Path of the object."""
        return self.resource.path(self.resource.item, self.state)

    @property
    def collection(self) -> str:
        """Path of what it is created in."""
        return self.resource.path(self.resource.collection, self.state)

    def wanted(self, name: str) -> Any:
        """What the program wants of a property, its default when it says nothing."""
        value = self.inputs.get(name)
        return self.resource.by_name[name].default if value is None else value

    def changed(self, name: str) -> bool:
        """Whether the program wants another value than the recorded one; what it leaves out is up to GitLab."""
        value, recorded = self.wanted(name), self.recorded.get(name)
        if value is None:
            return False
        if recorded is None:
            return value not in ("", [], {}, False)
        return not self.resource.by_name[name].codec.same(value, recorded)

    def body(self, *, creating: bool = False) -> Answer:
        """What to send: when an object is created, also what cannot be changed later."""
        body = {}
        for item in self.resource.inputs:
            value = self.wanted(item.name)
            fixed = item.replaces or item.send is Send.CREATE
            if value is not None and item.send is not Send.NEVER and (creating or not fixed):
                body[item.field] = item.codec.encode(value)
        return body


class Lifecycle:
    """Create, read, change and delete through the paths in the table."""

    def create(self, call: Call) -> Answer:
        """Create the object and return GitLab's description of it."""
        return call.api.send("post", call.collection, call.body(creating=True))

    def complete(self, _call: Call) -> Answer | None:
        """What is left to do once the object exists, and GitLab's description after that; None: nothing."""
        return None

    def read(self, call: Call) -> Answer | None:
        """GitLab's description of the object; None: there is none (any more)."""
        return call.api.find(call.item)

    def update(self, call: Call) -> Answer:
        """Change the object and return GitLab's description of it."""
        return call.api.send(call.resource.update, call.item, call.body())

    def delete(self, call: Call) -> None:
        """Delete the object."""
        call.api.delete(call.item)

    def replaces(self, _call: Call) -> tuple[str, ...]:
        """Properties that need a new object although the program did not change them."""
        return ()

    def series(self, _call: Call) -> tuple[str, ...] | None:
        """What must happen one after the other has the same key; None: no need."""
        return None

    def decode(self, call: Call, answer: Answer) -> Properties:
        """GitLab's description as properties; the program's spelling stays where it means the same."""
        state = {}
        for item in call.resource.properties:
            value = self.property(call, item, answer)
            if value is not None:
                state[item.name] = value
        return state

    def property(self, call: Call, item: Property, answer: Answer) -> Any:
        """One of them."""
        known = call.state.get(item.name)
        told = look_up(answer, item.reads or item.field) if item.read else _MISSING
        if told is _MISSING:
            return item.default if known is None else known
        if told is None:
            # Null is how GitLab says "empty"; only a property that is not empty has drifted then.
            return item.default if known is None or known else known
        value = item.codec.decode(told)
        return known if known is not None and item.codec.same(known, value) else value


def look_up(answer: Answer, path: str) -> Any:
    """A field of GitLab's answer; a marker when it does not have it."""
    value: Any = answer
    for part in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value
