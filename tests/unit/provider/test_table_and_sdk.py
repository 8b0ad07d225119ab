"""The table against the installed SDK: what the published provider takes and tells, we take and tell."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from types import ModuleType
from typing import Any

import pytest

from testbed.provider.model import Resource, snake_case
from testbed.provider.table import FUNCTIONS, RESOURCES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pulumi_gitlab


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"pulumi_gitlab.{snake_case(name).removeprefix('_')}")


def _names(properties: dict[str, Any]) -> dict[str, str]:
    """Python name to published name of everything with a getter."""
    return {
        name: getattr(value.fget, "_pulumi_name", name)
        for name, value in properties.items()
        if isinstance(value, property)
    }


def _sdk_inputs(resource: Resource) -> dict[str, bool]:
    """Every input of the SDK, and whether it is required."""
    arguments = getattr(_module(resource.name), f"{resource.name}Args")
    names = _names(vars(arguments))
    parameters = list(inspect.signature(arguments.__init__).parameters.values())[1:]
    return {names[item.name]: item.default is inspect.Parameter.empty for item in parameters}


def _sdk_outputs(resource: Resource) -> set[str]:
    return set(_names(vars(getattr(pulumi_gitlab, resource.name))).values())


everything = pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.name)


@everything
def test_the_token_is_the_published_one(resource: Resource) -> None:
    source = inspect.getsource(getattr(pulumi_gitlab, resource.name))
    assert f"'{resource.token}'" in source


@everything
def test_every_published_input_is_there_or_refused_by_name(resource: Resource) -> None:
    ours = {item.name for item in resource.inputs}
    assert ours | resource.unsupported == set(_sdk_inputs(resource))
    assert not ours & resource.unsupported


@everything
def test_the_same_inputs_are_required(resource: Resource) -> None:
    required = {item.name for item in resource.inputs if item.required}
    assert required == {name for name, needed in _sdk_inputs(resource).items() if needed}


@everything
def test_every_published_output_is_there(resource: Resource) -> None:
    ours = {item.name for item in resource.properties}
    assert ours | resource.unsupported == _sdk_outputs(resource)


@everything
def test_whatever_the_sdk_keeps_secret_is_secret(resource: Resource) -> None:
    source = inspect.getsource(getattr(pulumi_gitlab, resource.name))
    listed = re.findall(r"additional_secret_outputs=\[(.*?)\]", source)
    secret = set(re.findall(r'"(\w+)"', " ".join(listed))) - resource.unsupported
    assert secret == {item.name for item in resource.properties if item.secret}


@everything
def test_ids_and_paths_are_made_of_properties(resource: Resource) -> None:
    names = set(re.findall(r"\{(\w+)\}", resource.id + resource.item + resource.collection))
    assert names <= {*resource.by_name, "key"}
    assert set(re.findall(r"\{(\w+)\}", resource.item)) <= set(re.findall(r"\{(\w+)\}", resource.id)), (
        "an imported object is found by its id alone"
    )


@everything
def test_no_property_is_there_twice(resource: Resource) -> None:
    assert len(resource.by_name) == len(resource.properties)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_functions_take_nothing_that_the_sdk_does_not_have(function: Any) -> None:
    call = getattr(pulumi_gitlab, snake_case(function.name))
    assert f"'{function.token}'" in inspect.getsource(call)
    assert {snake_case(name) for name in function.arguments} <= set(inspect.signature(call).parameters)
