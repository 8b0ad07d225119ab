"""What those who run a project look after: web hooks and their deliveries, agents, runners."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import func, or_, select
from starlette.responses import Response

from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Agent, AgentToken, Delivery, Hook, Job, Namespace, Project, Runner, RunnerManager
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

ONLINE = timedelta(hours=2)
"""A runner that was heard of since then counts as online, as in GitLab."""


@views.project("/hooks")
def hooks(visit: Visit) -> Response:
    """The web hooks of a project, each with how its last delivery went."""
    visit.need(Level.MAINTAINER)
    found = list(visit.session.scalars(select(Hook).where(Hook.of(visit.project)).order_by(Hook.id)))
    newest = (
        select(func.max(Delivery.id))
        .where(Delivery.hook_id.in_([each.id for each in found]))
        .group_by(Delivery.hook_id)
    )
    last = visit.session.scalars(select(Delivery).where(Delivery.id.in_(newest)))
    return visit.show(
        "hooks.html",
        project=visit.project,
        hooks=[(each, _without_secrets(each)) for each in found],
        last={each.hook_id: each for each in last},
    )


@views.project("/hooks/{number}", "/hooks/{number}/edit")
def hook(visit: Visit) -> Response:
    """What one hook was sent, newest first. Tokens and headers of its own are not shown."""
    visit.need(Level.MAINTAINER)
    number = visit.number("number", "Hook")
    found = visit.session.scalar(select(Hook).where(Hook.of(visit.project), Hook.id == number))
    if found is None:
        raise not_found("Hook")
    deliveries = visit.rows(select(Delivery).where(Delivery.hook_id == found.id).order_by(Delivery.id.desc()))
    return visit.show(
        "hook.html",
        project=visit.project,
        hook=found,
        deliveries=deliveries,
        target=_without_secrets(found),
        payloads={each.id: _payload(each) for each in deliveries.items},
    )


@views.project("/cluster_agents", "/cluster_agents/{name}")
def agents(visit: Visit) -> Response:
    """The agents for Kubernetes, and whether they have called."""
    visit.need(Level.DEVELOPER)
    found = select(Agent).where(Agent.project_id == visit.project.id).order_by(Agent.name)
    if "name" in visit.args:
        found = found.where(Agent.name == visit.args["name"])
    rows = visit.rows(found)
    used = (
        select(AgentToken.agent_id, func.max(AgentToken.last_used_at), func.count())
        .where(AgentToken.agent_id.in_([each.id for each in rows.items]), AgentToken.status == "active")
        .group_by(AgentToken.agent_id)
    )
    tokens = {number: (last, count) for number, last, count in visit.session.execute(used)}
    return visit.show("agents.html", project=visit.project, agents=rows, tokens=tokens)


@views.project("/runners")
@views.group("/runners")
def runners(visit: Visit) -> Response:
    """The runners that may take jobs here, and who runs them."""
    visit.need(Level.MAINTAINER)
    place = visit.group if isinstance(visit.place, Namespace) else visit.project
    mine = select(Runner).where(or_(Runner.of(*lineage(place)), Runner.runner_type == "instance_type"))
    found = list(visit.session.scalars(mine.order_by(Runner.runner_type, Runner.id)))
    if isinstance(place, Project):
        # Lists in columns are beyond SQL here; project runners are few.
        shared = select(Runner).where(Runner.runner_type == "project_type", Runner.project_id != place.id)
        found += [each for each in visit.session.scalars(shared) if place.id in each.project_ids]
    managers = select(RunnerManager).where(RunnerManager.runner_id.in_([each.id for each in found]))
    machines: defaultdict[int, list[RunnerManager]] = defaultdict(list)
    for machine in visit.session.scalars(managers.order_by(RunnerManager.contacted_at.desc())):
        machines[machine.runner_id].append(machine)
    busy = select(Job).where(Job.runner_id.in_([each.id for each in found]), Job.status.in_(("running", "canceling")))
    working: defaultdict[int, int] = defaultdict(int)
    for job in visit.session.scalars(busy).unique():
        working[job.runner_id or 0] += 1
    online = now() - ONLINE
    project = place if isinstance(place, Project) else None
    return visit.show("runners.html", project=project, runners=found, machines=machines, working=working, online=online)


def _without_secrets(hook: Hook) -> str:
    """A hook's address as far as it can hold no password or token."""
    parts = urlsplit(hook.url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "…" if parts.query else "", ""))


def _payload(delivery: Delivery) -> str:
    """What was sent, without the values of a pipeline's variables."""
    payload = dict(delivery.payload)
    attributes = payload.get("object_attributes")
    if isinstance(attributes, dict) and attributes.get("variables"):
        hidden = [{**variable, "value": "[hidden]"} for variable in attributes["variables"]]
        payload["object_attributes"] = {**attributes, "variables": hidden}
    return json.dumps(payload, indent=2, ensure_ascii=False)
