"""Every resource and function of the published ``gitlab`` provider that this double has, as data."""

from __future__ import annotations

from testbed.provider.model import Function, Resource
from testbed.provider.table import access, approvals, automation, functions, groups, planning, projects, repository

__all__ = ["FUNCTIONS", "RESOURCES"]

RESOURCES: dict[str, Resource] = {
    resource.token: resource
    for module in (groups, projects, planning, repository, automation, access, approvals)
    for resource in module.RESOURCES
}
"""By token."""

FUNCTIONS: dict[str, Function] = {function.token: function for function in functions.FUNCTIONS}
"""By token."""
