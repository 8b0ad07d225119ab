"""What the table of resources is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, unique
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from testbed.provider.codecs import PLAIN, TEXT, Codec
from testbed.provider.values import Properties

if TYPE_CHECKING:
    from testbed.provider.lifecycle import Lifecycle

__all__ = ["Function", "Property", "Resource", "Send", "inputs", "outputs", "parent", "snake_case"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@unique
class Send(Enum):
    """When a property is part of what GitLab is sent."""

    ALWAYS = "always"
    CREATE = "create"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource."""

    name: str
    """As the published schema spells it."""
    field: str
    """As GitLab's API takes it."""
    reads: str = ""
    """Where GitLab's answer has it, if elsewhere; dots descend."""
    input: bool = True
    """False: GitLab alone decides."""
    required: bool = False
    replaces: bool = False
    """Whether a change needs a new object."""
    secret: bool = False
    send: Send = Send.ALWAYS
    read: bool = True
    """False: GitLab does not tell, or the property concerns this provider alone."""
    default: Any = None
    """What leaving the property out means, where that is not up to GitLab."""
    codec: Codec = PLAIN
    choices: tuple[str, ...] = ()
    """All possible values; empty: not limited."""


def snake_case(name: str) -> str:
    """``visibilityLevel`` as ``visibility_level``."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def inputs(names: str, **traits: Any) -> tuple[Property, ...]:
    """Properties that programs set: ``"name visibilityLevel:visibility"``, the second with its field named."""
    return tuple(_property(name, input=True, **traits) for name in names.split())


def outputs(names: str, **traits: Any) -> tuple[Property, ...]:
    """Properties that GitLab alone sets."""
    return tuple(_property(name, input=False, send=Send.NEVER, **traits) for name in names.split())


def parent(name: str, **traits: Any) -> tuple[Property, ...]:
    """The property that says where a resource belongs: part of the path, never moved."""
    return inputs(
        name, **({"required": True, "replaces": True, "send": Send.NEVER, "read": False, "codec": TEXT} | traits)
    )


def _property(spelling: str, **traits: Any) -> Property:
    name, _, field_name = spelling.partition(":")
    return Property(name=name, field=field_name or snake_case(name), **traits)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource type: where GitLab keeps it and what its properties are."""

    name: str
    """``ProjectLabel``; the token is made from it."""
    collection: str
    """Path to create in, with properties in braces."""
    item: str
    """Path of one, likewise; ``{key}`` is GitLab's own id where no property holds it."""
    id: str
    """Its id in Pulumi, likewise; the same that `pulumi import` takes."""
    properties: tuple[Property, ...]
    lifecycle: Lifecycle
    update: str = "put"
    """HTTP verb of a change; empty: none of its properties can change in place."""
    unique: bool = False
    """Whether a second one with the same properties can exist, so that a replacement may come before the deletion."""
    unsupported: frozenset[str] = field(default_factory=frozenset)
    """Inputs of the published schema that this double refuses."""

    @property
    def token(self) -> str:
        """The type in Pulumi."""
        return f"gitlab:index/{self.name[0].lower()}{self.name[1:]}:{self.name}"

    @cached_property
    def by_name(self) -> dict[str, Property]:
        """The properties by their name."""
        return {item.name: item for item in self.properties}

    @property
    def inputs(self) -> tuple[Property, ...]:
        """What programs can set."""
        return tuple(item for item in self.properties if item.input)

    def path(self, template: str, state: Properties) -> str:
        """A path with its properties filled in."""
        return "/" + _PLACEHOLDER.sub(lambda match: quote(str(state[match[1]]), safe=""), template)

    def make_id(self, state: Properties) -> str:
        """The id of an object in Pulumi."""
        return _PLACEHOLDER.sub(lambda match: str(state[match[1]]), self.id)

    def parse_id(self, text: str) -> Properties:
        """The properties that an id is made of.

        Raises:
            ValueError: when the id has another form.
        """
        names = _PLACEHOLDER.findall(self.id)
        parts = text.split(":", len(names) - 1)
        if len(parts) != len(names) or not all(parts):
            form = ":".join(f"<{name}>" for name in names)
            raise ValueError(f"{text!r} is no id of a {self.name}; its form is {form}")
        codecs = [self.by_name[name].codec if name in self.by_name else PLAIN for name in names]
        return {name: codec.encode(part) for name, codec, part in zip(names, codecs, parts, strict=True)}


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function (data source): its token's name, what it takes, and how GitLab answers."""

    name: str
    arguments: frozenset[str]
    call: Any
    """Takes the API and the arguments, returns the result's properties."""

    @property
    def token(self) -> str:
        """The function in Pulumi."""
        return f"gitlab:index/{self.name}:{self.name}"
