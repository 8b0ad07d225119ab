"""One module per part of the page; each has its own `Views`."""

from __future__ import annotations

from testbed.gitlab.web.views import (
    authorizing,
    commits,
    deploying,
    files,
    groups,
    issues,
    jobs,
    merge_requests,
    operations,
    pipelines,
    projects,
    refs,
    site,
)
from testbed.gitlab.web.visits import Kind, View

__all__ = ["find"]

PARTS = (
    *(site, authorizing, groups, projects, files, commits, refs, issues),
    *(merge_requests, pipelines, jobs, deploying, operations),
)


def find(kind: Kind, method: str, path: str) -> tuple[View, dict[str, str]] | None:
    """The view for an address, with the address's variable parts as they were sent."""
    return next((found for part in PARTS if (found := part.views.find(kind, method, path))), None)
