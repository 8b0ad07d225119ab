"""How the platform's data is modelled: frozen, strict, and with a rule and a remedy for every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from components import naming

__all__ = [
    "ApiGroup",
    "Branch",
    "Color",
    "Cron",
    "DnsLabel",
    "LabelKey",
    "LabelValue",
    "Network",
    "ProjectPath",
    "Quantity",
    "Refused",
    "RegistryPlace",
    "RelativePath",
    "Repeated",
    "ResourceName",
    "Slug",
    "Spec",
    "Text",
    "Username",
    "VariableKey",
    "WebUrl",
    "quantity_text",
    "quantity_value",
    "refusal",
    "refuse_all",
    "ruled",
]

_SUFFIXES: Final[dict[str, Decimal]] = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P"), start=1)},
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1)},
}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|[kMGTP]|[KMGTP]i|)")


Refused = tuple[tuple[str | int, ...], Any, PydanticCustomError]
"""A value that is refused: where it is below the validator's own place, the value, and why."""

Repeated: Final = object()
"""Stands in the annotation of a list in which an entry may be there twice, such as a command's arguments."""


class Spec(BaseModel):
    """Data that lives in git: immutable, without unknown keys and without guessed types; camelCase outside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    @field_validator("*")
    @classmethod
    def _says_nothing_twice(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, tuple) and Repeated not in cls.model_fields[str(info.field_name)].metadata:
            refuse_all(cls.__name__, _twice(value))
        return value


def refusal(rule: str, remedy: str) -> PydanticCustomError:
    """Return the error by which a validator refuses a value."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "remedy": remedy})


def refuse_all(title: str, refused: Iterable[Refused]) -> None:
    """Refuse several values at once, each at its own place below the validator's.

    Args:
        title: the name of what is checked.
        refused: the values; without any, nothing happens.

    Raises:
        ValidationError: with all of them.
    """
    lines = [InitErrorDetails(type=error, loc=place, input=value) for place, value, error in refused]
    if lines:
        raise ValidationError.from_exception_data(title, lines)


def _twice(values: tuple[Any, ...]) -> Iterator[Refused]:
    for position, value in enumerate(values):
        if value in values[:position]:
            shown = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
            yield (
                (position,),
                shown,
                refusal("each entry of a list is there once; this one is there before", "delete the one too many"),
            )


def ruled(accepts: Callable[[str], bool], rule: str, remedy: str) -> AfterValidator:
    """Return a validator that refuses what ``accepts`` does not accept."""

    def validate(value: str) -> str:
        if not accepts(value):
            raise refusal(rule, remedy)
        return value

    return AfterValidator(validate)


def quantity_value(text: str) -> Decimal:
    """Return the amount that a Kubernetes quantity stands for.

    Raises:
        ValueError: when it is not a positive quantity in plain notation.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    amount = Decimal(match[1]) * _SUFFIXES[match[2]]
    if amount <= 0:
        raise ValueError(f"{text!r} is not positive")
    return amount


def quantity_text(amount: Decimal) -> str:
    """Return a whole number of bytes as Kubernetes writes it: with the largest binary suffix that leaves no rest."""
    for suffix in ("Pi", "Ti", "Gi", "Mi", "Ki"):
        if amount % _SUFFIXES[suffix] == 0:
            return f"{amount / _SUFFIXES[suffix]:f}{suffix}"
    return f"{amount:f}"


def _is_quantity(text: str) -> bool:
    try:
        return quantity_value(text) > 0
    except ValueError:
        return False


def _whole_number_as_text(value: Any) -> Any:
    # `cpu: 4` is how everybody writes it in YAML.
    return str(value) if type(value) is int else value


Text = Annotated[
    str,
    ruled(
        lambda value: bool(value.strip()) and len(value) <= 2000,
        "a text of 1 to 2000 characters that is not blank",
        "write a text, or leave the key out",
    ),
]
Slug = Annotated[
    str,
    ruled(
        naming.is_slug,
        "lower-case letters, digits and single inner '.', '_' or '-', not ending in .git or .atom",
        "use a name such as 'my-project'",
    ),
]
ProjectPath = Annotated[
    str,
    ruled(
        naming.is_project_path,
        "names of groups and a project as in their addresses, with '/' between them, below the platform's group",
        "use a path such as 'ci-cd/agents', without the platform's group",
    ),
]
"""Where a group or project is below the platform's group."""
Username = Annotated[
    str, ruled(naming.is_username, "the name of a user's account in GitLab", "use a name such as 'ada.lovelace'")
]
Cron = Annotated[
    str,
    ruled(
        naming.is_cron,
        "five fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12), day of the week (0-7)",
        "write a line such as '30 2 * * *'",
    ),
]
ApiGroup = Annotated[
    str,
    ruled(
        naming.is_api_group,
        "an API group without its version; the core group is the empty text",
        "use a group such as 'apps' or 'batch'",
    ),
]
RegistryPlace = Annotated[
    str,
    ruled(
        lambda value: naming.is_registry_place(value.removesuffix("/")),
        "a registry's host with a '.' or a port in it and possibly a path, without scheme, user and tag",
        "use a place such as 'registry.example.org/mirror'",
    ),
]
DnsLabel = Annotated[
    str,
    ruled(
        naming.is_dns_label,
        "1 to 63 lower-case letters, digits and inner hyphens (RFC 1123)",
        "use a name such as 'my-application'",
    ),
]
LabelKey = Annotated[
    str,
    ruled(
        naming.is_label_key,
        "a label's key: at most 63 letters, digits and inner '.', '_', '-', possibly after a domain and '/'",
        "use a key such as 'bighpc.io/rack'",
    ),
]
LabelValue = Annotated[
    str,
    ruled(
        naming.is_label_value,
        "a label's value: nothing, or at most 63 letters, digits and inner '.', '_', '-'",
        "use a value such as 'a100'; put quotes around numbers",
    ),
]
Network = Annotated[
    str,
    ruled(naming.is_network, "a network in CIDR notation, and not all of them", "use a network such as '192.0.2.0/24'"),
]
ResourceName = Annotated[
    str,
    ruled(
        naming.is_resource_name,
        "an extended resource: a domain of its vendor, '/' and a name, 63 characters at most",
        "use a name such as 'nvidia.com/gpu'",
    ),
]
Branch = Annotated[str, ruled(naming.is_branch, "a branch name that git accepts", "use a name such as 'prod'")]
Color = Annotated[str, ruled(naming.is_color, "'#' and six hexadecimal digits", "use a colour such as '#1f75cb'")]
VariableKey = Annotated[
    str,
    ruled(
        naming.is_variable_key,
        "a letter or '_', then letters, digits and '_', at most 255 in all",
        "use a key such as 'REGISTRY_MIRROR'",
    ),
]
WebUrl = Annotated[
    str,
    ruled(
        naming.is_web_url,
        "an absolute http or https address without user or password",
        "use an address such as 'https://gitlab.example.org'",
    ),
]
RelativePath = Annotated[
    str,
    ruled(
        naming.is_relative_path,
        "a path inside the repository, without a leading '/', '.' or '..'",
        "use a path such as 'applications/hello'",
    ),
]
Quantity = Annotated[
    str,
    BeforeValidator(_whole_number_as_text),
    ruled(
        _is_quantity,
        "a positive Kubernetes quantity: a number, then nothing or one of m k M G T P Ki Mi Gi Ti Pi",
        "write an amount such as '500m', '4' or '8Gi'",
    ),
]
