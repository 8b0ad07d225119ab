"""The Pages site of a project: where it is, and how it is served."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pages import PREFIX, published
from testbed.gitlab.store import Job, PagesSettings, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)


class ChangePages(Params):
    """PATCH projects/:id/pages."""

    pages_unique_domain_enabled: bool | None = None
    pages_https_only: bool | None = None


@routes.get("/projects/{id}/pages")
def get_pages(call: Call) -> dict[str, Any]:
    """The site, when there is one."""
    project = call.project(Level.MAINTAINER)
    return _entity(call, project, _settings(call, project))


@routes.patch("/projects/{id}/pages")
def change_pages(call: Call, params: ChangePages) -> dict[str, Any]:
    """Change how the site is served."""
    project = call.project(Level.MAINTAINER)
    settings = _settings(call, project)
    if params.pages_unique_domain_enabled is not None:
        settings.unique_domain_enabled = params.pages_unique_domain_enabled
    if params.pages_https_only is not None:
        settings.https_only = params.pages_https_only
    entity = _entity(call, project, settings)
    call.add(settings)
    return entity


@routes.delete("/projects/{id}/pages")
def delete_pages(call: Call) -> None:
    """Take the site down; the next job that publishes brings it back."""
    project = call.project(Level.MAINTAINER)
    settings = _settings(call, project)
    newest = select(func.max(Job.id)).where(Job.project_id == project.id)
    settings.removed_through = call.session.scalar(newest) or 0
    call.add(settings)


def _settings(call: Call, project: Project) -> PagesSettings:
    found = call.session.scalar(select(PagesSettings).where(PagesSettings.project_id == project.id))
    if found is not None:
        return found
    return PagesSettings(project_id=project.id, unique_domain_enabled=True, https_only=False, removed_through=0)


def _entity(call: Call, project: Project, settings: PagesSettings) -> dict[str, Any]:
    site = published(call.session, project)
    if site is None:
        raise not_found()
    archive, directory = site
    url = call.forge.url(PREFIX.strip("/"), project.full_path)
    deployment = {"created_at": archive.created_at, "url": url, "path_prefix": None, "root_directory": directory}
    return {
        "url": url,
        "is_unique_domain_enabled": settings.unique_domain_enabled,
        "force_https": settings.https_only,
        "deployments": [deployment],
        "primary_domain": None,
    }
