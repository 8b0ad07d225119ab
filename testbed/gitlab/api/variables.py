"""CI/CD variables of groups and projects."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Select, select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Container, Project, Variable

__all__ = ["routes"]

routes = Routes(anonymous=False)

_KEY = re.compile(r"[a-zA-Z0-9_]+")
_MASKABLE = re.compile(r"[a-zA-Z0-9_+=/@:.~-]{8,}")
_MASKABLE_RAW = re.compile(r"\S{8,}")
_SCOPE = re.compile(r"[a-zA-Z0-9_/\\$.{}* -]+")


class Scope(Params):
    """``filter[environment_scope]``."""

    environment_scope: str | None = None


class Filtered(Params):
    """Which of several variables with one key is meant."""

    filter: Scope = Scope()


class CreateVariable(Params):
    """POST .../variables."""

    key: str
    value: str
    variable_type: Literal["env_var", "file"] = "env_var"
    protected: bool = False
    masked: bool = False
    masked_and_hidden: bool = False
    raw: bool = False
    environment_scope: str = "*"
    description: str | None = Field(None, max_length=255)


class UpdateVariable(Filtered):
    """PUT .../variables/:key."""

    value: str | None = None
    variable_type: Literal["env_var", "file"] | None = None
    protected: bool | None = None
    masked: bool | None = None
    raw: bool | None = None
    environment_scope: str | None = None
    description: str | None = None


def variable_entity(variable: Variable) -> dict[str, Any]:
    """A variable; a hidden one never shows its value again."""
    return {
        "variable_type": variable.variable_type,
        "key": variable.key,
        "value": None if variable.hidden else variable.value,
        "hidden": variable.hidden,
        "protected": variable.protected,
        "masked": variable.masked,
        "raw": variable.raw,
        "environment_scope": variable.environment_scope,
        "description": variable.description,
    }


@routes.get("/:container/variables")
def list_variables(call: Call) -> Page:
    """The variables."""
    statement = select(Variable).where(Variable.of(_managed(call))).order_by(Variable.key, Variable.id)
    return call.page(statement, Variable.id, variable_entity)


@routes.get("/:container/variables/{key}")
def get_variable(call: Call, params: Filtered) -> dict[str, Any]:
    """One variable."""
    return variable_entity(_find(call, params))


@routes.post("/:container/variables")
def create_variable(call: Call, params: CreateVariable) -> dict[str, Any]:
    """Create a variable."""
    container = _managed(call)
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    variable = Variable(
        **params.model_dump(exclude={"masked", "masked_and_hidden"}),
        masked=params.masked or params.masked_and_hidden,
        hidden=params.masked_and_hidden,
        **owner,
    )
    _check(call, container, variable)
    return variable_entity(call.add(variable))


@routes.put("/:container/variables/{key}")
def update_variable(call: Call, params: UpdateVariable) -> dict[str, Any]:
    """Change a variable."""
    variable = _find(call, params)
    for name, value in params.given("filter").items():
        setattr(variable, name, value)
    if variable.hidden and not variable.masked:
        raise invalid(base="Updating masked attribute is not allowed on updates for hidden variables.")
    _check(call, variable.container, variable)
    call.session.flush()
    return variable_entity(variable)


@routes.delete("/:container/variables/{key}")
def delete_variable(call: Call, params: Filtered) -> None:
    """Remove a variable."""
    call.session.delete(_find(call, params))


def _managed(call: Call) -> Container:
    return call.container(Level.OWNER if call.kind == "groups" else Level.MAINTAINER)


def _find(call: Call, params: Filtered) -> Variable:
    statement: Select[Variable] = select(Variable).where(Variable.of(_managed(call)), Variable.key == call.path["key"])
    if params.filter.environment_scope is not None:
        statement = statement.where(Variable.environment_scope == params.filter.environment_scope)
    found = call.session.scalars(statement.limit(2)).all()
    if not found:
        raise not_found("GroupVariable" if call.kind == "groups" else "Variable")
    if len(found) > 1:
        raise conflict("There are multiple variables with provided parameters. Please use 'filter[environment_scope]'")
    return found[0]


def _check(call: Call, container: Container, variable: Variable) -> None:
    if not variable.key:
        raise invalid(key=["can't be blank", "can contain only letters, digits and '_'."])
    if len(variable.key) > 255:
        raise invalid(key="is too long (maximum is 255 characters)")
    if not _KEY.fullmatch(variable.key):
        raise invalid(key="can contain only letters, digits and '_'.")
    if not _SCOPE.fullmatch(variable.environment_scope):
        raise invalid(
            environment_scope="can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces"
        )
    rule = _MASKABLE_RAW if variable.raw else _MASKABLE
    if variable.masked and not rule.fullmatch(variable.value or ""):
        raise invalid(value="is invalid")
    with call.session.no_autoflush:
        same = select(Variable.id).where(
            Variable.of(container),
            Variable.key == variable.key,
            Variable.environment_scope == variable.environment_scope,
            Variable.id.is_distinct_from(variable.id),
        )
        if call.session.scalar(same) is not None:
            raise invalid(key=f"({variable.key}) has already been taken")
