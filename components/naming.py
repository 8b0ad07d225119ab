"""Pure rules for names: what GitLab, Kubernetes and git accept."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container
from typing import Final
from urllib.parse import urlsplit

__all__ = [
    "DNS_LABEL_LENGTH",
    "is_api_group",
    "is_api_resource",
    "is_branch",
    "is_color",
    "is_cron",
    "is_dns_label",
    "is_dns_subdomain",
    "is_label_key",
    "is_label_value",
    "is_network",
    "is_project_path",
    "is_registry_place",
    "is_relative_path",
    "is_resource_name",
    "is_slug",
    "is_username",
    "is_variable_key",
    "is_web_url",
    "overlay_path",
]

DNS_LABEL_LENGTH: Final = 63
"""RFC 1123: the longest name of a namespace, service or label value."""

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_USERNAME: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")
_CRON: Final = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/[1-9]\d{0,2})?")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_FIELDS: Final = (range(60), range(24), range(1, 32), (*range(1, 13), *_MONTHS), (*range(8), *_DAYS))
_REGISTRY_PLACE: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_RESOURCES: Final = re.compile(r"(\*|[a-z][a-z0-9.-]*)(/(\*|[a-z][a-z0-9.-]*))?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def is_dns_label(value: str) -> bool:
    """Whether Kubernetes accepts the name for a namespace or a service."""
    return len(value) <= DNS_LABEL_LENGTH and _DNS_LABEL.fullmatch(value) is not None


def is_dns_subdomain(value: str) -> bool:
    """Whether the value is made of DNS labels with dots between them, at most 253 characters (RFC 1123)."""
    return len(value) <= 253 and all(map(is_dns_label, value.split(".")))


def is_label_key(value: str) -> bool:
    """Whether Kubernetes accepts the key of a label or taint: a name, possibly after a domain and ``/``."""
    prefix, slash, name = value.rpartition("/")
    return _LABEL_NAME.fullmatch(name) is not None and (not slash or is_dns_subdomain(prefix))


def is_label_value(value: str) -> bool:
    """Whether Kubernetes accepts the value of a label or taint; it may be empty."""
    return not value or _LABEL_NAME.fullmatch(value) is not None


def is_network(value: str) -> bool:
    """Whether the value is a network in CIDR notation that is not all of them."""
    try:
        return ipaddress.ip_network(value).prefixlen > 0
    except ValueError:
        return False


def is_resource_name(value: str) -> bool:
    """Whether the value names an extended resource, such as ``nvidia.com/gpu``."""
    prefix, _, _ = value.rpartition("/")
    return is_label_key(value) and "." in prefix and not prefix.endswith("kubernetes.io") and len(value) <= 63


def is_slug(value: str) -> bool:
    """Whether GitLab accepts the path of a group or project, and it needs no quoting anywhere."""
    reserved = value.endswith((".git", ".atom"))
    return _SLUG.fullmatch(value) is not None and not reserved and ".." not in value and "--" not in value


def is_project_path(value: str) -> bool:
    """Whether the value is a path of groups, down to a group or project: slugs with ``/`` between them."""
    return all(map(is_slug, value.split("/")))


def is_username(value: str) -> bool:
    """Whether GitLab accepts the name for a user's account."""
    return _USERNAME.fullmatch(value) is not None


def is_cron(value: str) -> bool:
    """Whether the value has the five fields of a cron line: minute, hour, day, month, day of the week."""
    fields = value.split()
    return len(fields) == 5 and all(map(_is_cron_field, fields, _CRON_FIELDS))


def _is_cron_field(field: str, allowed: Container[int | str]) -> bool:
    matches = [_CRON.fullmatch(part) for part in field.split(",")]
    ends = [end for match in matches if match for end in match.groups() if end is not None]
    return all(matches) and all((int(end) if end.isdecimal() else end.lower()) in allowed for end in ends)


def is_api_group(value: str) -> bool:
    """Whether the value is an API group of Kubernetes without its version: nothing for the core group, or ``*``."""
    return value in {"", "*"} or is_dns_subdomain(value)


def is_api_resource(value: str) -> bool:
    """Whether the value may be a resource in a role: a plural in lower case, possibly with ``/`` and a part of it."""
    return _RESOURCES.fullmatch(value) is not None


def is_registry_place(value: str) -> bool:
    """Whether the value is a registry's host and possibly a path, as images' names begin: no scheme, user or tag."""
    host = value.partition("/")[0]
    return _REGISTRY_PLACE.fullmatch(value) is not None and any(mark in host for mark in ".:")


def is_branch(value: str) -> bool:
    """Whether git accepts the branch name (``git check-ref-format``, without its exotic characters)."""
    parts = value.split("/")
    broken = any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
    return _BRANCH.fullmatch(value) is not None and not broken and ".." not in value


def is_color(value: str) -> bool:
    """Whether the value is a colour like ``#1f75cb``; GitLab would return a colour's name as digits."""
    return _COLOR.fullmatch(value) is not None


def is_variable_key(value: str) -> bool:
    """Whether GitLab and a shell accept the name of a CI/CD variable."""
    return _VARIABLE.fullmatch(value) is not None


def is_web_url(value: str) -> bool:
    """Whether the value is an absolute http or https address without credentials in it."""
    try:
        parts = urlsplit(value)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_fits and "@" not in parts.netloc


def is_relative_path(value: str) -> bool:
    """Whether the value is a path inside a repository: relative, normal, never upwards."""
    return bool(value) and all(part not in {"", ".", ".."} for part in value.split("/"))


def overlay_path(application: str, environment: str) -> str:
    """Where the environment repository keeps an application's manifests for an environment."""
    return f"applications/{application}/overlays/{environment}"
