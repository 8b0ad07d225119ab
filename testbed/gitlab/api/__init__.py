"""The REST API, one module per resource family."""

from __future__ import annotations

from importlib import import_module

from testbed.gitlab.core.routing import Routes

__all__ = ["FAMILIES", "families"]

FAMILIES = (
    "instance",
    "users",
    "personal_tokens",
    "applications",
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
    "agent_server",
    "runner_registration",
    "runner_jobs",
    "runner_artifacts",
    "runners",
    "job_artifacts",
    "job_of_token",
    "environments",
    "protected_environments",
    "sharing",
    "transfers",
    "deployments",
    "schedules",
    "triggers",
    "pipelines",
    "jobs",
    "job_reports",
    "statuses",
    "ci_lint",
    "merge_requests",
    "merge_request_updates",
    "merge_request_changes",
    "merging",
    "issues",
    "notes",
    "discussions",
    "award_emoji",
    "approvals",
    "approval_rules",
    "forks",
    "releases",
    "release_links",
    "pages",
    "registry",
)
"""The modules; each has its endpoints in ``routes``. Earlier ones win where paths overlap."""


def families() -> list[Routes]:
    """The endpoints of all resource families."""
    found: list[Routes] = [import_module(f"{__name__}.{name}").routes for name in FAMILIES]
    return found
