"""The log of what web hooks were sent, trying them out, and sending again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.hooks import find_hook
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import ApiError, missing, rejected
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import payload_of
from testbed.gitlab.repositories.policy import is_protected
from testbed.gitlab.repositories.rules import BRANCHES, TAGS, ZERO, Change
from testbed.gitlab.store import Delivery, MergeRequest, Project
from testbed.gitlab.webhooks.courier import request_headers
from testbed.gitlab.webhooks.payloads import push_payload
from testbed.gitlab.webhooks.queue import enqueue_for

__all__ = ["routes"]

routes = Routes(anonymous=False)


class ListEvents(Params):
    """GET .../hooks/:hook_id/events."""

    status: str | None = None


@routes.post("/:container/hooks/{hook_id}/test/{trigger}")
def test_hook(call: Call) -> dict[str, str]:
    """Send the newest push, tag or merge request of the project once more."""
    hook = find_hook(call)
    trigger = call.path["trigger"]
    project = hook.container
    if not isinstance(project, Project) or trigger not in ("push_events", "tag_push_events", "merge_requests_events"):
        raise ApiError(400, {"error": "trigger does not have a valid value"})
    sample = _sample_request if trigger == "merge_requests_events" else _sample_push
    enqueue_for(call.session, hook, trigger, sample(call, project, trigger))
    return {"message": "201 Created"}


@routes.get("/:container/hooks/{hook_id}/events")
def list_hook_events(call: Call, params: ListEvents) -> Page:
    """The deliveries, newest first."""
    hook = find_hook(call)
    statement = select(Delivery).where(Delivery.hook_id == hook.id)
    if params.status:
        first = {"successful": "2", "client_failure": "4", "server_failure": "5"}.get(params.status, params.status)
        statement = statement.where(Delivery.response_status.startswith(first))
    return call.page(statement.order_by(Delivery.id.desc()), Delivery.id, lambda row: _event_entity(call, row))


@routes.post("/:container/hooks/{hook_id}/events/{hook_event_id}/resend")
def resend_hook_event(call: Call) -> dict[str, Any]:
    """Put a delivery into the queue again."""
    hook = find_hook(call)
    number = call.number("hook_event_id", "Hook event")
    old = call.session.scalar(select(Delivery).where(Delivery.hook_id == hook.id, Delivery.id == number))
    if old is None:
        raise missing()
    enqueue_for(call.session, hook, old.trigger, old.payload, old.event_uuid)
    return {"response_status": "pending"}


def _sample_request(call: Call, project: Project, _trigger: str) -> dict[str, Any]:
    newest = select(MergeRequest).where(MergeRequest.project_id == project.id).order_by(MergeRequest.id.desc())
    request = call.session.scalar(newest.limit(1))
    if request is None:
        raise rejected(422, "Ensure the project has merge requests.")
    return payload_of(call.forge, call.session, request, call.user, "open")


def _sample_push(call: Call, project: Project, trigger: str) -> dict[str, Any]:
    repository = call.forge.storage.open(project.id)
    prefix = BRANCHES if trigger == "push_events" else TAGS
    names = [name for name in repository.references if name.startswith(prefix)]
    if not names:
        raise rejected(422, "Ensure the project has at least one commit.")
    name = BRANCHES + project.default_branch if trigger == "push_events" else max(names)
    change = Change(ZERO, str(repository.references[name].target), name)
    protected = is_protected(call.session, project, name)
    return push_payload(project, call.user, change, repository, call.forge.settings.external_url, protected=protected)


def _event_entity(call: Call, delivery: Delivery) -> dict[str, Any]:
    shown = request_headers(delivery, call.forge.settings)
    if "X-Gitlab-Token" in shown:
        shown["X-Gitlab-Token"] = "[REDACTED]"
    shown.update(dict.fromkeys(delivery.hook.custom_headers, "[REDACTED]"))
    return {
        "id": delivery.id,
        "url": delivery.hook.url,
        "trigger": delivery.trigger.replace("_events", "_hooks"),
        "request_headers": shown,
        "request_data": delivery.payload,
        "response_headers": delivery.response_headers,
        "response_body": delivery.response_body,
        "execution_duration": delivery.execution_duration,
        "response_status": delivery.response_status,
    }
