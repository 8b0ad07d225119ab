"""How projects look in answers."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.api.entities import namespace_entity, user_basic, web_url
from testbed.gitlab.api.project_attributes import DEFAULTS, switches
from testbed.gitlab.core.access import can_see, memberships_in
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.levels import Level
from testbed.gitlab.repositories.storage import is_empty
from testbed.gitlab.store import Project

__all__ = ["project_entity", "project_simple"]


def project_simple(call: Call, project: Project) -> dict[str, Any]:
    """A project in passing."""
    page = web_url(project, call.forge)
    host = call.forge.settings.host.partition(":")[0]
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": f"{project.namespace.full_name} / {project.name}",
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": project.created_at,
        "default_branch": project.default_branch,
        "tag_list": project.topics,
        "topics": project.topics,
        "ssh_url_to_repo": f"git@{host}:{project.full_path}.git",
        "http_url_to_repo": f"{page}.git",
        "web_url": page,
        "readme_url": None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": project.last_activity_at,
        "visibility": project.visibility,
        "namespace": namespace_entity(project.namespace, call.forge),
    }


def project_entity(call: Call, project: Project) -> dict[str, Any]:
    """A project."""
    kept = {**DEFAULTS, **project.attributes}
    base = ("projects", project.id)
    permissions = _permissions(call, project)
    return {
        **project_simple(call, project),
        "container_registry_image_prefix": f"{call.forge.settings.host}/{project.full_path}".lower(),
        "_links": {
            "self": call.forge.api_url(*base),
            "repo_branches": call.forge.api_url(*base, "repository/branches"),
            "labels": call.forge.api_url(*base, "labels"),
            "events": call.forge.api_url(*base, "events"),
            "members": call.forge.api_url(*base, "members"),
            "cluster_agents": call.forge.api_url(*base, "cluster_agents"),
        },
        "empty_repo": is_empty(call.forge.storage.open(project.id)),
        "archived": project.archived,
        **({"owner": user_basic(project.namespace.owner, call.forge)} if project.namespace.personal else {}),
        **_origin(call, project),
        "creator_id": project.creator_id,
        "import_status": "none",
        "import_url": None,
        "import_type": None,
        "import_error": None,
        "open_issues_count": 0,
        "description_html": "",
        "updated_at": project.updated_at,
        "can_create_merge_request_in": _may_merge(call, permissions),
        "runners_token": None,
        "shared_with_groups": [],
        "marked_for_deletion_at": None,
        "marked_for_deletion_on": None,
        "repository_object_format": "sha1",
        "repository_storage": "default",
        "service_desk_address": None,
        **kept,
        **switches(kept),
        "permissions": permissions,
    }


def _origin(call: Call, project: Project) -> dict[str, Any]:
    """Of a fork what it was forked from, if the actor can see that."""
    origin = project.forked_from
    if origin is None or not can_see(call.session, call.actor, origin):
        return {}
    return {"forked_from_project": project_simple(call, origin)}


def _permissions(call: Call, project: Project) -> dict[str, Any]:
    """The actor's direct role, and the best inherited one."""
    found: dict[str, Any] = {"project_access": None, "group_access": None}
    for row in memberships_in(call.session, call.actor, project):
        kind = "project_access" if row.project_id is not None else "group_access"
        best = max(row.access_level, found[kind]["access_level"] if found[kind] else Level.NONE)
        found[kind] = {"access_level": best, "notification_level": 3}
    return found


def _may_merge(call: Call, permissions: dict[str, Any]) -> bool:
    given = [access["access_level"] for access in permissions.values() if access]
    return call.actor.admin or max(given, default=Level.NONE) >= Level.DEVELOPER
