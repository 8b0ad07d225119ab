"""Rules about the program's own source text."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pulumi
import pytest

import components
import policies.rules
from policies.pack import RULES

ROOT = Path(__file__).parents[2]
PROGRAM = ("stacks", "components", "policies", "gitops")


def sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def component_classes() -> list[type[pulumi.ComponentResource]]:
    found = []
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, each in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(each, pulumi.ComponentResource) and each.__module__ == module.name:
                found.append(each)
    return found


def source_of(component: type[pulumi.ComponentResource]) -> str:
    return inspect.getsource(component)


def token_of(component: type[pulumi.ComponentResource]) -> str:
    call = re.search(r"super\(\).__init__\(\s*([^,]+),", source_of(component))
    assert call is not None
    constants = vars(import_module(component.__module__))
    return str(constants.get(call[1]) or ast.literal_eval(call[1]))


COMPONENTS = component_classes()


def test_the_components_are_found() -> None:
    assert len(COMPONENTS) >= 9


def test_one_module_reads_the_configuration() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sources(*PROGRAM)
        if re.search(r"pulumi\.Config\b|get_config_env|import Config\b", path.read_text())
    }
    assert users == {"stacks/settings.py"}


def test_the_entry_point_stays_small() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 20


def test_every_component_has_a_token_of_its_own() -> None:
    names = [token_of(each) for each in COMPONENTS]
    assert all(re.fullmatch(r"bighpc:[a-z]+:[A-Z][A-Za-z]+", name) for name in names), names
    assert len(set(names)) == len(names), names


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: each.__name__)
def test_a_components_constructor_has_the_documented_shape(component: type[pulumi.ComponentResource]) -> None:
    parameters = inspect.signature(component.__init__).parameters
    assert list(parameters) == ["self", "name", "args", "opts"]
    assert parameters["args"].annotation == f"{component.__name__}Args"
    assert parameters["opts"].annotation == "pulumi.ResourceOptions | None"
    assert component.__doc__, "a component says what it makes"


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: each.__name__)
def test_a_component_registers_its_outputs_once_and_last(component: type[pulumi.ComponentResource]) -> None:
    (body,) = (
        node.body
        for node in ast.walk(ast.parse(source_of(component)))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    assert source_of(component).count("self.register_outputs(") == 1
    assert ast.unparse(body[-1]).startswith("self.register_outputs(")


def test_no_child_escapes_its_component() -> None:
    # In a merge the right-hand side wins, so a caller's parent would replace the component.
    offenders = [
        path.name for path in sources(*PROGRAM) if re.search(r"ResourceOptions\([^)]*\)\s*\.merge\(", path.read_text())
    ]
    assert offenders == []


def test_every_rule_is_in_the_pack_once() -> None:
    modules = [import_module(f"policies.rules.{each.name}") for each in pkgutil.iter_modules(policies.rules.__path__)]
    assert sorted(rule.name for rule in RULES) == sorted(module.RULE.name for module in modules)


def test_every_rule_has_a_test_of_its_own() -> None:
    rules = {each.name for each in pkgutil.iter_modules(policies.rules.__path__)}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests/unit/policies").glob("test_*.py")}
    assert rules <= tests


def test_every_module_lists_its_names_in_order() -> None:
    def order(name: str) -> tuple[int, str]:
        # Constants, then classes, then functions: what ruff calls an isort-style sorting.
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    for path in sources(*PROGRAM):
        if path.name in {"__init__.py", "__main__.py"}:
            continue
        declared = [
            ast.literal_eval(node.value)
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        assert len(declared) == 1, f"{path} has no __all__"
        assert declared[0] == sorted(declared[0], key=order), path


def test_a_module_stays_readable_in_one_go() -> None:
    long = [path.name for path in sources(*PROGRAM) if len(path.read_text().splitlines()) > 300]
    assert long == []


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{path.name}: {node.name}"
        for path in sources(*PROGRAM)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 40
    ]
    assert long == []


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    forbidden = re.compile(
        "|".join(["pypi" + r"\.org", r"proxy\.golang" + r"\.org", r"deb\.debian" + r"\.org", r"(?<![\w}])/wo" + "rk/"])
    )
    offenders = []
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix not in {".sum", ".png"}:
            found = forbidden.search(path.read_text(errors="replace"))
            if found:
                offenders.append(f"{name}: {found[0]}")
    assert offenders == []
