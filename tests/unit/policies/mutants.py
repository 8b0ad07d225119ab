"""Small faults, planted into a predicate's source one at a time: a battery that accepts one has a hole."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar

from policies.rule import BaseRule

__all__ = ["mutants"]

R = TypeVar("R", bound=BaseRule)

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}


def _faults(tree: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield copies of a function with one fault each: a comparison or condition turned round, findings left out."""
    nodes = list(ast.walk(tree))
    for index, node in enumerate(nodes):
        copy = deepcopy(tree)
        twin: Any = list(ast.walk(copy))[index]
        if isinstance(node, ast.Compare):
            twin.ops[0] = _OPPOSITES[type(node.ops[0])]()
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            twin.operand = ast.UnaryOp(op=ast.Not(), operand=twin.operand)
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            twin.op = ast.Or()
        elif isinstance(node, ast.If | ast.IfExp):
            twin.test = ast.UnaryOp(op=ast.Not(), operand=twin.test)
        elif isinstance(node, ast.YieldFrom):
            twin.value = ast.Tuple(elts=[], ctx=ast.Load())
        else:
            continue
        yield f"line {getattr(node, 'lineno', 0)}: {ast.unparse(twin)}", ast.fix_missing_locations(copy)


def _parsed(function: Callable[..., Any]) -> ast.FunctionDef:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(parsed, ast.FunctionDef)
    parsed.decorator_list = []
    parsed.returns = None
    for argument in parsed.args.args:
        argument.annotation = None
    return parsed


def _helpers(find: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Yield the private functions beside a predicate that it calls."""
    for name in find.__code__.co_names:
        function = find.__globals__.get(name)
        if name.startswith("_") and inspect.isfunction(function):
            yield function


def mutants(rule: R) -> Iterator[tuple[str, R]]:
    """Yield the rule with each fault in its predicate, or in what that calls."""
    find = rule.invariant.find
    parsed = _parsed(find)
    # A copy without a fault shows that what fails a battery is the fault.
    faults: list[tuple[str, ast.FunctionDef]] = [("no fault", deepcopy(parsed)), *_faults(parsed)]
    for helper in _helpers(find):
        faults += [(f"{helper.__name__}, {what}", fault) for what, fault in _faults(_parsed(helper))]
    for description, fault in faults:
        scope = dict(find.__globals__)
        body: list[ast.stmt] = [fault] if fault.name == parsed.name else [fault, parsed]
        exec(compile(ast.Module(body=body, type_ignores=[]), inspect.getfile(find), "exec"), scope)
        yield description, replace(rule, invariant=replace(rule.invariant, find=scope[parsed.name]))
