"""Request parameters: what an endpoint declares, and GitLab's sentences when a request does not fit.

An endpoint declares a `Params` subclass. Unknown parameters are ignored, as GitLab does; those that were sent can be
told from those that were not by `Params.given`, which is what partial updates need.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from testbed.gitlab.core.errors import ApiError, parameter_error

__all__ = ["CommaSeparated", "Instant", "NotEmpty", "Params", "at_least_one", "nest", "parse"]

ParamsT = TypeVar("ParamsT", bound="Params")


class Params(BaseModel):
    """Base of all parameter declarations."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    def given(self, *leave_out: str) -> dict[str, Any]:
        """The parameters that were sent, under their own names."""
        return self.model_dump(exclude_unset=True, exclude=set(leave_out))


def _split(value: object) -> object:
    """A list sent as one string is comma-separated."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _refuse_empty(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise PydanticCustomError("blank", "is empty")
    return value


CommaSeparated = Annotated[list[str], BeforeValidator(_split)]
"""Strings, as a list or with commas between."""

Instant = Annotated[
    datetime, AfterValidator(lambda value: value if value.tzinfo is not None else value.replace(tzinfo=UTC))
]
"""A moment; without a time zone it is in UTC."""

NotEmpty = Annotated[str, BeforeValidator(_refuse_empty)]
"""A string that says something."""


def at_least_one(params: Params, *names: str) -> None:
    """Demand that one of the parameters was sent.

    Raises:
        ApiError: 400 with GitLab's sentence.
    """
    if not params.model_fields_set.intersection(names):
        raise parameter_error(f"{', '.join(names)} are missing, at least one parameter must be provided")


def parse(model: type[ParamsT], raw: dict[str, Any]) -> ParamsT:
    """Check raw parameters against a declaration.

    Raises:
        ApiError: 400, naming every parameter that does not fit.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _complaint(error.errors()) from None


def _complaint(errors: list[ErrorDetails]) -> ApiError:
    sentences: dict[str, None] = {}
    for error in errors:
        head, *rest = (str(part) for part in error["loc"]) if error["loc"] else ("params",)
        name = head + "".join(f"[{part}]" for part in rest if not part.startswith(("function-", "list", "nullable")))
        sentences[f"{name} {_reason(error)}"] = None
    return parameter_error(", ".join(sentences))


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "blank":
            return "is empty"
        case "enum" | "literal_error" | "greater_than_equal" | "less_than_equal":
            return "does not have a valid value"
        case "grape":
            return error["msg"]
        case _:
            return "is invalid"


_NESTED = re.compile(r"\[([^\]]*)\]")


def nest(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Turn query or form pairs into parameters: ``a[]=1&a[]=2`` is a list, ``f[scope]=x`` is a mapping."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, _ = name.partition("[")
        if not bracket:
            result[head] = value
            continue
        keys = _NESTED.findall(name)
        if keys == [""]:
            items = result.setdefault(head, [])
            if isinstance(items, list):
                items.append(value)
        else:
            _store(result.setdefault(head, {}), keys, value)
    return result


def _store(target: Any, keys: list[str], value: object) -> None:
    *path, last = keys
    for key in path:
        if not isinstance(target, dict):
            return
        target = target.setdefault(key, {})
    if isinstance(target, dict):
        target[last] = value
