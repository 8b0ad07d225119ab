"""What is wrong with the configuration, told so that it can be put right in one go."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, Literal, ParamSpec, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from components.invariants import Violation

__all__ = ["Collector", "ConfigurationError", "Problem", "problems_of", "show"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_LONGEST_VALUE: Final = 80

_LIST: Final = ("a list", "write a list, with a '-' before each entry")
_MAPPING: Final = ("a mapping of names to values", "write a mapping, with 'name: value' lines")
_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "bool_type": ("true or false", "write true or false, without quotes"),
    "int_type": ("a whole number", "write a whole number, without quotes"),
    "string_type": ("a text", "write a text; quote a text that looks like something else"),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}
_LENGTHS: Final[Mapping[str, str]] = {
    "too_short": "at least {min_length} item",
    "too_long": "at most {max_length} item",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} character",
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
        if _only_follows(finding):
            continue
        path = [part for part in finding["loc"] if part != "[key]"]
        key = ".".join(map(str, _as_written(model, path)))
        secret = _is_secret(model, path) or bool(path and path[0] in masked)
        rule, remedy = _explain(finding, model, path)
        yield Problem(
            where=f"{where}, {key}" if key else where,
            value=_value(finding, _annotation_at(model, path), secret=secret),
            rule=rule,
            remedy=remedy,
        )


def _only_follows(finding: ErrorDetails) -> bool:
    """Whether a list is called too short only because entries of it are wrong, which is told anyway."""
    given = finding["input"]
    least = finding.get("ctx", {}).get("min_length", 0)
    return finding["type"] == "too_short" and isinstance(given, list) and len(given) >= least


def _value(finding: ErrorDetails, annotation: Any, *, secret: bool) -> str:
    if finding["type"] == "missing" or finding["input"] is None:
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
    kind, context, name = finding["type"], finding.get("ctx", {}), _name(list(_as_written(model, path)))
    if kind == "rule":
        return str(context["rule"]), str(context["remedy"])
    if kind == "extra_forbidden":
        return _unknown_key(name, _keys(_annotation_at(model, path[:-1])))
    if kind in {"missing", "union_tag_not_found"}:
        missing = str(context.get("discriminator", name)).strip("'")
        return f"{missing} is required", f"add {missing}"
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in {"enum", "literal_error", "union_tag_invalid"}:
        return _choice(finding, name)
    return _bounds(finding, name, secret=_is_secret(model, path))


def _choice(finding: ErrorDetails, name: str) -> tuple[str, str]:
    context = finding.get("ctx", {})
    if finding["type"] != "union_tag_invalid":
        expected = str(context["expected"])
        return f"one of {expected}", f"write {_closest(str(finding['input']), expected)}"
    key, expected = str(context["discriminator"]).strip("'"), str(context["expected_tags"])
    return f"{key} is one of {expected}", f"set {name}.{key} to {_closest(str(context['tag']), expected)}"


def _bounds(finding: ErrorDetails, name: str, *, secret: bool) -> tuple[str, str]:
    if finding["type"] in _LENGTHS:
        sentence = _LENGTHS[finding["type"]].format(**finding.get("ctx", {}))
        # A secret text is no text to pydantic.
        sentence = sentence.replace("item", "character") if secret else sentence
        sentence = sentence if " 1 " in sentence else f"{sentence}s"
        return sentence, f"change {name} so that it has {sentence}"
    # pydantic's own sentence: "Input should be greater than or equal to 1".
    sentence = finding["msg"].removeprefix("Input should be ").removeprefix("Value should ")
    return sentence, f"change {name} so that it is {sentence}"


def _name(path: Sequence[str | int]) -> str:
    """Return what people call the value at a path: its key, or its list's and its number in it."""
    if not path:
        return "it"
    return f"{path[-2]}.{path[-1]}" if isinstance(path[-1], int) and len(path) > 1 else str(path[-1])


def _unknown_key(name: str, known: Iterable[str]) -> tuple[str, str]:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return (
        f"only known keys: {', '.join(known)}",
        f"write {close[0]} instead of {name}" if close else f"remove {name}",
    )


def _closest(value: str, expected: str) -> str:
    words = [word.strip("' ") for word in expected.replace(" or ", ", ").split(", ")]
    close = difflib.get_close_matches(value.lower(), words, n=1)
    return close[0] if close else f"one of: {', '.join(words)}"


def _keys(annotation: Any) -> Iterable[str]:
    return {field.alias or name for model in _models(annotation) for name, field in model.model_fields.items()}


def _as_written(model: type[BaseModel], path: Sequence[str | int]) -> Iterator[str | int]:
    """Yield the parts of a path that people wrote: not the kind by which pydantic chose one of several models."""
    here: Any = model
    for part in path:
        if _chosen(here, part) is None:
            yield part
        here = _step(here, part)


def _annotation_at(model: type[BaseModel], path: Sequence[str | int]) -> Any:
    here: Any = model
    for part in path:
        here = _step(here, part)
    return here


def _step(here: Any, part: str | int) -> Any:
    models = _models(here)
    if len(models) == 1:
        fields = {field.alias or name: field.annotation for name, field in models[0].model_fields.items()}
        return fields.get(str(part))
    if models:
        return _chosen(here, part)
    # A mapping's or a list's element.
    return next(iter(reversed([inner for inner in get_args(here) if inner not in {..., NoneType}])), None)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a value of the type may be of; an element of a mapping or a list is none of them."""
    if get_origin(annotation) in {dict, tuple, list}:
        return []
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _chosen(annotation: Any, kind: str | int) -> type[BaseModel] | None:
    """Return the model that a value of that kind is of, where there are several."""
    models = _models(annotation)
    return next((model for model in models if len(models) > 1 and kind in _kinds(model)), None)


def _kinds(model: type[BaseModel]) -> Iterator[Any]:
    for field in model.model_fields.values():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            yield from get_args(field.annotation)


def _is_secret(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    return _means_secret(_annotation_at(model, path))


def _means_secret(annotation: Any) -> bool:
    if get_origin(annotation) in {dict, tuple, list}:
        return False
    return annotation is SecretStr or any(map(_means_secret, get_args(annotation)))
