"""Deployments: what an outside tool records about them."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import func, select

from testbed.gitlab.api.deployment_entities import deployment_entity
from testbed.gitlab.api.environments import named_environment
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import bad_request, missing, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Deployment, Environment

__all__ = ["routes"]

routes = Routes(anonymous=False)

Status = Literal["running", "success", "failed", "canceled"]

FINISHED = ("success", "failed", "canceled")


class CreateDeployment(Params):
    """POST projects/:id/deployments."""

    environment: NotEmpty
    sha: NotEmpty
    ref: NotEmpty
    tag: bool
    status: Status


class UpdateDeployment(Params):
    """PUT projects/:id/deployments/:deployment_id."""

    status: Status


class ListDeployments(Params):
    """GET projects/:id/deployments."""

    environment: str | None = None
    status: str | None = None
    order_by: str = "id"
    sort: str = "asc"


@routes.get("/projects/{id}/deployments")
def list_deployments(call: Call, params: ListDeployments) -> Page:
    """The deployments."""
    project = call.project(Level.REPORTER)
    statement = select(Deployment).where(Deployment.project_id == project.id)
    if params.environment:
        statement = statement.join(Environment, Deployment.environment_id == Environment.id).where(
            Environment.name == params.environment
        )
    if params.status:
        statement = statement.where(Deployment.status == params.status)
    columns = {"created_at": Deployment.created_at, "updated_at": Deployment.updated_at, "iid": Deployment.iid}
    column = columns.get(params.order_by, Deployment.id)
    statement = statement.order_by(column.desc() if params.sort == "desc" else column.asc())
    return call.page(statement, Deployment.id, lambda row: deployment_entity(call, row))


@routes.get("/projects/{id}/deployments/{deployment_id}")
def get_deployment(call: Call) -> dict[str, Any]:
    """One deployment."""
    return deployment_entity(call, _find(call, Level.REPORTER))


@routes.post("/projects/{id}/deployments")
def create_deployment(call: Call, params: CreateDeployment) -> dict[str, Any]:
    """Record a deployment; an environment that is new is made."""
    project = call.project(Level.DEVELOPER)
    repository = call.forge.storage.open(project.id)
    try:
        known = params.sha in repository
    except ValueError:
        known = False
    if not known:
        raise rejected(400, {"sha": ["The commit does not exist"]})
    environment = named_environment(call, project, params.environment)
    environment.state = "available"
    last = call.session.scalar(select(func.max(Deployment.iid)).where(Deployment.project_id == project.id))
    deployment = Deployment(
        project_id=project.id,
        environment=environment,
        user=call.user,
        iid=(last or 0) + 1,
        **params.model_dump(exclude={"environment"}),
    )
    _finish(deployment)
    return deployment_entity(call, call.add(deployment))


@routes.put("/projects/{id}/deployments/{deployment_id}")
def update_deployment(call: Call, params: UpdateDeployment) -> dict[str, Any]:
    """Record how a deployment goes on."""
    deployment = _find(call, Level.DEVELOPER)
    if deployment.status == params.status or deployment.status in FINISHED:
        raise bad_request(f"Cannot transition status via :{params.status} from :{deployment.status}")
    deployment.status = params.status
    _finish(deployment)
    call.session.flush()
    return deployment_entity(call, deployment)


@routes.delete("/projects/{id}/deployments/{deployment_id}")
def delete_deployment(call: Call) -> None:
    """Remove a deployment that is neither running nor the last good one."""
    deployment = _find(call, Level.MAINTAINER)
    if deployment.status == "running":
        raise bad_request("Cannot destroy running deployment")
    later = select(func.max(Deployment.id)).where(
        Deployment.environment_id == deployment.environment_id, Deployment.status == "success"
    )
    if call.session.scalar(later) == deployment.id:
        raise bad_request("Deployment currently deployed to environment")
    call.session.delete(deployment)


def _find(call: Call, at_least: Level) -> Deployment:
    project = call.project(at_least)
    number = call.number("deployment_id", "Deployment")
    found = call.session.scalar(select(Deployment).where(Deployment.project_id == project.id, Deployment.id == number))
    if found is None:
        raise missing()
    return found


def _finish(deployment: Deployment) -> None:
    if deployment.status in FINISHED:
        deployment.finished_at = now()
