"""The provider without its wire format: what each request means, on plain properties."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from testbed.provider.api import Answer, Api
from testbed.provider.diffing import Change, changes
from testbed.provider.lifecycle import Call
from testbed.provider.model import Resource
from testbed.provider.values import UNKNOWN, Properties, has_unknown

__all__ = ["IncompleteError", "Operations", "Recorded"]


@dataclass(frozen=True)
class Recorded:
    """An object as Pulumi records it."""

    id: str
    properties: Properties


class IncompleteError(Exception):
    """The object exists, but not as the program wants it."""

    def __init__(self, reason: Exception, recorded: Recorded) -> None:
        super().__init__(str(reason))
        self.recorded = recorded


class Operations:
    """Carries out requests; several at a time."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._series: dict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)

    def diff(
        self, resource: Resource, recorded: Properties, inputs: Properties, ignored: frozenset[str]
    ) -> list[Change]:
        """What would have to change."""
        return changes(self._call(resource, recorded, inputs), ignored)

    def preview(self, resource: Resource, recorded: Properties, inputs: Properties) -> Properties:
        """What is known already about an object that does not exist yet, or has yet to change."""
        state = {}
        for item in resource.properties:
            value = inputs.get(item.name)
            if value is None:
                value = recorded.get(item.name, item.default if item.input else None)
            if value is None and not recorded:
                value = UNKNOWN
            if value is not None:
                state[item.name] = value
        return state

    def create(self, resource: Resource, inputs: Properties) -> Recorded:
        """Create an object.

        Raises:
            IncompleteError: when it was created, but a later step failed.
        """
        call = self._call(resource, {}, inputs)
        lifecycle = resource.lifecycle
        with self._in_turn(call):
            answer = lifecycle.create(call)
            recorded = self._record(call, answer)
            try:
                answer = lifecycle.complete(call) or answer
            except Exception as error:
                raise IncompleteError(error, recorded) from error
            return self._record(call, answer)

    def read(self, resource: Resource, id_: str, recorded: Properties) -> Recorded | None:
        """Look an object up; None when there is none."""
        call = self._call(resource, recorded, {}, id_)
        answer = resource.lifecycle.read(call)
        return None if answer is None else self._record(call, answer)

    def update(self, resource: Resource, id_: str, recorded: Properties, inputs: Properties) -> Properties:
        """Change an object."""
        call = self._call(resource, recorded, inputs, id_)
        with self._in_turn(call):
            return self._record(call, resource.lifecycle.update(call)).properties

    def delete(self, resource: Resource, id_: str, recorded: Properties) -> None:
        """Delete an object."""
        call = self._call(resource, recorded, {}, id_)
        with self._in_turn(call):
            resource.lifecycle.delete(call)

    def _call(self, resource: Resource, recorded: Properties, inputs: Properties, id_: str = "") -> Call:
        named = resource.parse_id(id_) if id_ else {}
        return Call(api=self._api, resource=resource, state=named | recorded | inputs, inputs=inputs, recorded=recorded)

    def _in_turn(self, call: Call) -> AbstractContextManager[object]:
        """Some changes must not overlap, such as two commits to one branch."""
        key = call.resource.lifecycle.series(call)
        if key is None:
            return nullcontext()
        with self._lock:
            return self._series[key]

    @staticmethod
    def _record(call: Call, answer: Answer) -> Recorded:
        call.state = call.state | {"key": answer.get("id")} | call.resource.lifecycle.decode(call, answer)
        properties = {name: value for name, value in call.state.items() if name in call.resource.by_name}
        return Recorded(call.resource.make_id(call.state), properties)


def read_inputs(resource: Resource, state: Properties, before: Properties) -> Properties:
    """The inputs that stand for what was read: those of the program, or after an import all that say anything."""
    found = {}
    for item in resource.inputs:
        value = state.get(item.name)
        if item.name in before:
            kept = value is None or item.codec.same(before[item.name], value)
            found[item.name] = before[item.name] if kept else value
        elif not before and value is not None and value != item.default and not has_unknown(value):
            found[item.name] = value
    return found
