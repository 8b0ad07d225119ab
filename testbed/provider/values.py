"""Property values between the engine's wire format and plain Python, with secrets and unknowns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import struct_pb2

__all__ = ["UNKNOWN", "Properties", "has_unknown", "mark_secrets", "plain", "secret_names", "secret_texts", "to_struct"]

Properties = dict[str, Any]
"""Property name to value, as the published schema spells it."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How a value that is not known yet during a preview travels: the engine's sentinel."""

# The sentinels differ by type; the engine and the SDKs read them all.
_UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret, not one
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """The wire format as Python values, secrets and unknowns still marked."""
    return {name: _from_value(value) for name, value in struct.fields.items()}


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in {None, "null_value"} else getattr(value, kind)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Python values as the wire format."""
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def plain(value: Any) -> Any:
    """A value without the marks of secrets and outputs; an output not known yet becomes `UNKNOWN`."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) in {_SECRET, _OUTPUT}:
            return plain(value["value"]) if "value" in value else UNKNOWN
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """Whether a value is a secret or contains one."""
    if isinstance(value, dict):
        return _is_secret(value) or any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def has_unknown(value: Any) -> bool:
    """Whether a plain value is unknown or contains something unknown."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, str) and value in _UNKNOWNS


def secret_names(properties: Properties) -> frozenset[str]:
    """The properties that are secret or contain a secret."""
    return frozenset(name for name, value in properties.items() if has_secret(value))


def mark_secrets(properties: Properties, names: Iterable[str]) -> Properties:
    """Plain properties with some of them marked as secrets."""
    marked = set(names)
    return {
        name: {_SIGNATURE: _SECRET, "value": value} if name in marked and value is not None else value
        for name, value in properties.items()
    }


def secret_texts(value: Any, *, inside: bool = False) -> frozenset[str]:
    """Every string within a secret: what no message may show."""
    if isinstance(value, dict):
        inside = inside or _is_secret(value)
        items: Iterable[Any] = [value.get("value")] if _is_secret(value) else value.values()
        return frozenset().union(*(secret_texts(item, inside=inside) for item in items))
    if isinstance(value, list):
        return frozenset().union(*(secret_texts(item, inside=inside) for item in value))
    return frozenset({value}) if inside and isinstance(value, str) and value else frozenset()
