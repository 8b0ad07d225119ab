"""The bodies of web hooks about releases, in GitLab's form."""

from __future__ import annotations

from typing import Any

import pygit2

from testbed.gitlab.core.clock import timestamp
from testbed.gitlab.store import Project, Release
from testbed.gitlab.webhooks.payloads import commit_payload, project_payload

__all__ = ["release_payload"]


def release_payload(
    release: Release, project: Project, commit: pygit2.Commit, action: str, external_url: str
) -> dict[str, Any]:
    """The payload of a release that was created, changed or removed."""
    about = project_payload(project, external_url)
    return {
        "id": release.id,
        "created_at": timestamp(release.created_at),
        "description": release.description or "",
        "name": release.name,
        "released_at": timestamp(release.released_at),
        "tag": release.tag,
        "object_kind": "release",
        "project": about,
        "url": f"{about['web_url']}/-/releases/{release.tag}",
        "action": action,
        "assets": {
            "count": len(release.links),
            "links": [
                {"id": link.id, "link_type": link.link_type, "name": link.name, "url": link.url}
                for link in release.links
            ],
            "sources": [],
        },
        "commit": commit_payload(commit, about["web_url"]),
    }
