"""Reading YAML files strictly, and turning them into models."""

from __future__ import annotations

import json
from collections.abc import Container, Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from stacks.problems import ConfigurationError, problems_of, show

__all__ = ["read_mapping", "validate"]

Model = TypeVar("Model", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys: the safe loader would drop all but the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    "while reading a mapping", node.start_mark, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def read_mapping(path: Path, where: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        ConfigurationError: when the file is not readable, is no YAML, repeats a key or holds something else.
    """
    try:
        # _StrictLoader is a SafeLoader.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of(
            where, str(error), "a readable text file in UTF-8", "restore the file from git"
        ) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError.of(
            where, reason, "YAML in which no key appears twice", "correct the line that it names"
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError.of(
            where, f"value {show(document)}", "a mapping of keys to values", "write 'key: value' lines"
        )
    return {str(key): value for key, value in document.items()}


def validate(model: type[Model], data: Mapping[str, Any], where: str, *, masked: Container[str] = ()) -> Model:
    """Return the data as a model, without any guessing of types.

    Raises:
        ConfigurationError: with every problem found.
    """
    try:
        # By way of JSON, pydantic is strict and still reads enumerations and tuples from text and lists.
        return model.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise ConfigurationError(list(problems_of(error, model, where, masked=masked))) from None
