"""What is wrong with the configuration, told so that it can be put right in one go."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, ParamSpec, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from components.invariants import Violation

__all__ = ["Collector", "ConfigurationError", "Problem", "problems_of", "show"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_LONGEST_VALUE: Final = 80

_TYPES: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "model_attributes_type": "a mapping of names to values",
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    where: str
    """The file or system, and the key in it."""
    value: str
    """The offending value as shown to people; never a secret."""
    rule: str
    remedy: str

    def __str__(self) -> str:
        """Return the problem as three lines."""
        return f"{self.where}: {self.value}\n     rule:   {self.rule}\n     remedy: {self.remedy}"


class ConfigurationError(Exception):
    """The stack must not be touched until these problems are solved."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"{many} found; nothing was changed."]
        lines += [f"  {number}. {problem}" for number, problem in enumerate(problems, start=1)]
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, where: str, value: str, rule: str, remedy: str) -> ConfigurationError:
        """Return the error about one problem."""
        return cls([Problem(where=where, value=value, rule=rule, remedy=remedy)])


class Collector:
    """Goes on after a problem, so that all of them are known in the end."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def attempt(
        self, action: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result | None:
        """Return what the action returns; None, with its problems kept, when it refuses."""
        try:
            return action(*args, **kwargs)
        except ConfigurationError as error:
            self.problems += error.problems
            return None

    def refuse(self, where: str, value: str, rule: str, remedy: str) -> None:
        """Keep a problem."""
        self.problems.append(Problem(where=where, value=value, rule=rule, remedy=remedy))

    def refuse_all(self, where: str, violations: Iterable[Violation]) -> None:
        """Keep what must never be deployed."""
        for found in violations:
            self.refuse(where, f"{found.subject}: {found.value}", found.rule, found.remedy)

    def close(self) -> None:
        """Raise what was kept.

        Raises:
            ConfigurationError: when there is a problem.
        """
        if self.problems:
            raise ConfigurationError(self.problems)


def show(value: object) -> str:
    """Return a value as people wrote it, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def problems_of(
    error: ValidationError, model: type[BaseModel], where: str, *, masked: Container[str] = ()
) -> Iterator[Problem]:
    """Yield one problem per finding of pydantic.

    Args:
        error: what pydantic raised.
        model: the model that refused the data.
        where: the file that the data came from.
        masked: top-level keys whose values are never shown.
    """
    for finding in error.errors(include_url=False):
        path = [part for part in finding["loc"] if part != "[key]"]
        key = ".".join(map(str, path))
        rule, remedy = _explain(finding, model, path)
        secret = _is_secret(model, path) or bool(path and path[0] in masked)
        yield Problem(
            where=f"{where}, {key}" if key else where,
            value=_value(finding, _annotation_at(model, path), secret=secret),
            rule=rule,
            remedy=remedy,
        )


def _value(finding: ErrorDetails, annotation: Any, *, secret: bool) -> str:
    if finding["type"] == "missing":
        return "nothing is set"
    if finding["type"] == "extra_forbidden":
        # The value of a misspelt key may be meant for a secret one.
        return f"unknown key {finding['loc'][-1]!r}"
    if secret:
        return "(secret)"
    return f"value {show(_without_secrets(finding['input'], annotation))}"


def _without_secrets(value: Any, annotation: Any) -> Any:
    """Return a value of that type with a text in place of every secret in it."""
    if _means_secret(annotation):
        return "(secret)"
    if isinstance(value, dict):
        return {key: _without_secrets(each, _step(annotation, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each, _step(annotation, 0)) for each in value]
    return value


def _explain(finding: ErrorDetails, model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, str]:
    kind, context, name = finding["type"], finding.get("ctx", {}), str(path[-1]) if path else "it"
    if kind == "rule":
        return str(context["rule"]), str(context["remedy"])
    if kind == "extra_forbidden":
        return _unknown_key(name, _keys(_model_at(model, path[:-1])))
    if kind == "missing":
        return f"{name} is required", f"add {name}"
    if kind in {"enum", "literal_error"}:
        expected = str(context["expected"])
        return f"one of {expected}", _closest(str(finding["input"]), expected.replace(" or ", ", ").split(", "))
    if kind in _TYPES:
        return _TYPES[kind], f"write {_TYPES[kind]}; quote a text that looks like something else"
    # pydantic's own sentence: "Input should be greater than or equal to 1".
    sentence = finding["msg"].removeprefix("Input should be ").removeprefix("Value should ")
    return sentence, f"change {name} so that it is {sentence}"


def _unknown_key(name: str, known: Iterable[str]) -> tuple[str, str]:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return (
        f"only known keys: {', '.join(known)}",
        f"write {close[0]} instead of {name}" if close else f"remove {name}",
    )


def _closest(value: str, expected: Sequence[str]) -> str:
    words = [word.strip("' ") for word in expected]
    close = difflib.get_close_matches(value.lower(), words, n=1)
    return f"write {close[0]}" if close else f"write one of: {', '.join(words)}"


def _keys(model: type[BaseModel] | None) -> Iterable[str]:
    fields = model.model_fields if model else {}
    return [field.alias or name for name, field in fields.items()]


def _annotation_at(model: type[BaseModel], path: Sequence[str | int]) -> Any:
    here: Any = model
    for part in path:
        here = _step(here, part)
    return here


def _step(here: Any, part: str | int) -> Any:
    owner = _as_model(here)
    if owner is not None:
        fields = {field.alias or name: field.annotation for name, field in owner.model_fields.items()}
        return fields.get(str(part))
    # A mapping's or a list's element.
    return next(iter(reversed([inner for inner in get_args(here) if inner not in {..., NoneType}])), None)


def _as_model(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    # An element of a mapping is no member of it; `X | None` is.
    if getattr(annotation, "__origin__", None) in {dict, tuple, list}:
        return None
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    return _as_model(_annotation_at(model, path))


def _is_secret(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    return _means_secret(_annotation_at(model, path))


def _means_secret(annotation: Any) -> bool:
    if getattr(annotation, "__origin__", None) in {dict, tuple, list}:
        return False
    return annotation is SecretStr or any(map(_means_secret, get_args(annotation)))
