"""What a job learns about itself with its own token."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.agent_access import agents_for
from testbed.gitlab.api.agents import agent_entity
from testbed.gitlab.api.pipeline_entities import job_entity
from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Job, Namespace

__all__ = ["routes"]

routes = Routes(anonymous=False)


@routes.get("/job")
def own_job(call: Call) -> dict[str, Any]:
    """The job that the token was made for."""
    return job_entity(call, _job(call))


@routes.get("/job/allowed_agents")
def allowed_agents(call: Call) -> dict[str, Any]:
    """The agents that the job may use, as the agent server asks for them."""
    job = _job(call)
    project, user = job.project, call.user
    level = call.level(project)
    found = {
        "allowed_agents": [
            {"id": agent.id, "config_project": agent_entity(agent)["config_project"], "configuration": entry}
            for agent, entry in agents_for(call.forge, call.session, job)
        ],
        "job": {"id": job.id},
        "pipeline": {"id": job.pipeline_id},
        "project": {
            "id": project.id,
            "groups": [{"id": each.id} for each in lineage(project) if isinstance(each, Namespace)],
        },
        "user": {
            "id": user.id,
            "username": user.username,
            "roles_in_project": [each.name.lower() for each in Level if Level.GUEST <= each <= level],
        },
    }
    if job.environment is not None:
        found["environment"] = {"slug": job.environment.slug, "tier": job.environment.tier}
    return found


def _job(call: Call) -> Job:
    if call.actor.job is None:
        raise not_found("Job")
    return call.actor.job
