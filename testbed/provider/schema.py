"""The part of the published package schema that this double has."""

from __future__ import annotations

import importlib.metadata
import json

from testbed.provider.model import Property, Resource
from testbed.provider.table import FUNCTIONS, RESOURCES

__all__ = ["schema", "version"]


def version() -> str:
    """The version of the installed SDK: the engine accepts a plugin of exactly that one."""
    return importlib.metadata.version("pulumi-gitlab")


def schema() -> str:
    """The package schema as JSON."""
    return json.dumps(
        {
            "name": "gitlab",
            "version": version(),
            # How the published package makes one module out of the many in its tokens.
            "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
            "description": "The embedded testbed's double of the gitlab provider.",
            "resources": {token: _resource(resource) for token, resource in RESOURCES.items()},
            "functions": {token: {} for token in FUNCTIONS},
        }
    )


def _resource(resource: Resource) -> dict[str, object]:
    return {
        "properties": {item.name: _property(item) for item in resource.properties},
        "inputProperties": {item.name: _property(item) for item in resource.inputs},
        "requiredInputs": [item.name for item in resource.inputs if item.required],
    }


def _property(item: Property) -> dict[str, object]:
    traits = {"secret": item.secret, "willReplaceOnChanges": item.replaces}
    return {"$ref": "pulumi.json#/Any"} | {name: True for name, value in traits.items() if value}
