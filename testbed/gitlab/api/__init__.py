"""The REST API, one module per resource family."""

from __future__ import annotations

from importlib import import_module

from testbed.gitlab.core.routing import Routes

__all__ = ["FAMILIES", "families"]

FAMILIES = (
    "instance",
    "users",
    "personal_tokens",
    "groups",
    "projects",
    "namespaces",
    "members",
    "labels",
    "milestones",
    "boards",
    "badges",
    "variables",
    "hooks",
    "hook_events",
    "deploy_tokens",
    "resource_tokens",
    "branches",
    "tags",
    "commits",
    "files",
    "protections",
    "deploy_keys",
    "job_token_scope",
    "agents",
    "runners",
    "environments",
    "deployments",
    "schedules",
    "triggers",
)
"""The modules; each has its endpoints in ``routes``. Earlier ones win where paths overlap."""


def families() -> list[Routes]:
    """The endpoints of all resource families."""
    found: list[Routes] = [import_module(f"{__name__}.{name}").routes for name in FAMILIES]
    return found
