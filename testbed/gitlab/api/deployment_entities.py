"""How environments and deployments look in answers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.agents import agent_entity
from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.pipeline_entities import job_entity
from testbed.gitlab.core.call import Call
from testbed.gitlab.store import Deployment, Environment, Job

__all__ = ["deployment_entity", "environment_entity"]


def environment_entity(environment: Environment) -> dict[str, Any]:
    """An environment."""
    agent = environment.cluster_agent
    return {
        "id": environment.id,
        "name": environment.name,
        "slug": environment.slug,
        "description": environment.description,
        "external_url": environment.external_url,
        "created_at": environment.created_at,
        "updated_at": environment.updated_at,
        "tier": environment.tier,
        "state": environment.state,
        "auto_stop_at": environment.auto_stop_at,
        "auto_stop_setting": environment.auto_stop_setting,
        "kubernetes_namespace": environment.kubernetes_namespace,
        "flux_resource_path": environment.flux_resource_path,
        "cluster_agent": agent_entity(agent) if agent is not None else None,
    }


def deployment_entity(call: Call, deployment: Deployment) -> dict[str, Any]:
    """A deployment."""
    return {
        "id": deployment.id,
        "iid": deployment.iid,
        "ref": deployment.ref,
        "sha": deployment.sha,
        "created_at": deployment.created_at,
        "updated_at": deployment.updated_at,
        "user": user_basic(deployment.user, call.forge),
        "environment": environment_entity(deployment.environment),
        "deployable": _deployable(call, deployment),
        "status": deployment.status,
    }


def _deployable(call: Call, deployment: Deployment) -> dict[str, Any] | None:
    """The job that deploys; of deployments that an outside tool records there is none."""
    job = call.session.scalar(select(Job).where(Job.deployment_id == deployment.id))
    return job_entity(call, job) if job is not None else None
