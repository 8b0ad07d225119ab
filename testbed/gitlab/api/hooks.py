"""Web hooks of groups and projects, and the log of their deliveries."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import ApiError, missing, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Container, Hook, Project

__all__ = ["find_hook", "routes"]

routes = Routes(anonymous=False)

Strategy = Literal["wildcard", "regex", "all_branches"]

PROJECT_TRIGGERS = (
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "repository_update_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "feature_flag_events",
    "job_events",
    "releases_events",
    "milestone_events",
    "emoji_events",
    "resource_access_token_events",
    "vulnerability_events",
)
GROUP_TRIGGERS = (*PROJECT_TRIGGERS, "member_events", "project_events", "subgroup_events")
SETTABLE = (*GROUP_TRIGGERS,)


class Pair(Params):
    """A key with a secret value."""

    key: str
    value: str = ""


class HookSettings(Params):
    """What creation and change take beside the address and the events."""

    name: str | None = None
    description: str | None = None
    token: str | None = None
    enable_ssl_verification: bool | None = None
    push_events_branch_filter: str | None = None
    branch_filter_strategy: Strategy | None = None
    custom_webhook_template: str | None = None
    url_variables: list[Pair] | None = None
    custom_headers: list[Pair] | None = None

    push_events: bool | None = None
    tag_push_events: bool | None = None
    merge_requests_events: bool | None = None
    repository_update_events: bool | None = None
    issues_events: bool | None = None
    confidential_issues_events: bool | None = None
    note_events: bool | None = None
    confidential_note_events: bool | None = None
    pipeline_events: bool | None = None
    wiki_page_events: bool | None = None
    deployment_events: bool | None = None
    feature_flag_events: bool | None = None
    job_events: bool | None = None
    releases_events: bool | None = None
    milestone_events: bool | None = None
    emoji_events: bool | None = None
    resource_access_token_events: bool | None = None
    vulnerability_events: bool | None = None
    member_events: bool | None = None
    project_events: bool | None = None
    subgroup_events: bool | None = None


class CreateHook(HookSettings):
    """POST .../hooks."""

    url: NotEmpty


class UpdateHook(HookSettings):
    """PUT .../hooks/:hook_id."""

    url: str | None = None


class SetValue(Params):
    """PUT of a URL variable or custom header."""

    value: str


def hook_entity(hook: Hook) -> dict[str, Any]:
    """A hook; its secrets are never shown."""
    container = hook.container
    project = isinstance(container, Project)
    triggers = PROJECT_TRIGGERS if project else GROUP_TRIGGERS
    return {
        "id": hook.id,
        "url": hook.url,
        "name": hook.name,
        "description": hook.description,
        "created_at": hook.created_at,
        **{trigger: bool(hook.triggers.get(trigger)) for trigger in triggers},
        "alert_status": "executable",
        "disabled_until": None,
        "enable_ssl_verification": hook.enable_ssl_verification,
        "push_events_branch_filter": hook.push_events_branch_filter,
        "branch_filter_strategy": hook.branch_filter_strategy,
        "custom_webhook_template": hook.custom_webhook_template,
        "url_variables": [{"key": key} for key in hook.url_variables],
        "custom_headers": [{"key": key} for key in hook.custom_headers],
        "project_id" if project else "group_id": container.id,
    }


@routes.get("/:container/hooks")
def list_hooks(call: Call) -> Page:
    """The hooks."""
    return call.page(select(Hook).where(Hook.of(_managed(call))).order_by(Hook.id), Hook.id, hook_entity)


@routes.get("/:container/hooks/{hook_id}")
def get_hook(call: Call) -> dict[str, Any]:
    """One hook."""
    return hook_entity(find_hook(call))


@routes.post("/:container/hooks")
def create_hook(call: Call, params: CreateHook) -> dict[str, Any]:
    """Create a hook; without further words it wants pushes."""
    container = _managed(call)
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    hook = Hook(url=params.url, triggers={"push_events": True}, **owner)
    _apply(hook, params)
    return hook_entity(call.add(hook))


@routes.put("/:container/hooks/{hook_id}")
def update_hook(call: Call, params: UpdateHook) -> dict[str, Any]:
    """Change a hook. Another address forgets the secrets that were not sent along, as they belonged to the old one."""
    hook = find_hook(call)
    if params.url is not None and params.url != hook.url:
        hook.url = params.url
        hook.token = None
        hook.url_variables, hook.custom_headers = {}, {}
    elif not params.model_fields_set:
        raise ApiError(400, {"error": "No parameters provided"})
    _apply(hook, params)
    call.session.flush()
    return hook_entity(hook)


@routes.delete("/:container/hooks/{hook_id}")
def delete_hook(call: Call) -> None:
    """Remove a hook."""
    call.session.delete(find_hook(call))


@routes.put("/:container/hooks/{hook_id}/url_variables/{key}")
def set_url_variable(call: Call, params: SetValue) -> None:
    """Set a secret part of the address."""
    hook = find_hook(call)
    hook.url_variables = {**hook.url_variables, call.path["key"]: params.value}


@routes.delete("/:container/hooks/{hook_id}/url_variables/{key}")
def delete_url_variable(call: Call) -> None:
    """Forget a secret part of the address."""
    hook = find_hook(call)
    if call.path["key"] not in hook.url_variables:
        raise missing()
    hook.url_variables = {key: value for key, value in hook.url_variables.items() if key != call.path["key"]}


@routes.put("/:container/hooks/{hook_id}/custom_headers/{key}")
def set_custom_header(call: Call, params: SetValue) -> None:
    """Set a header that is sent along."""
    hook = find_hook(call)
    hook.custom_headers = {**hook.custom_headers, call.path["key"]: params.value}


@routes.delete("/:container/hooks/{hook_id}/custom_headers/{key}")
def delete_custom_header(call: Call) -> None:
    """Forget a header."""
    hook = find_hook(call)
    if call.path["key"] not in hook.custom_headers:
        raise missing()
    hook.custom_headers = {key: value for key, value in hook.custom_headers.items() if key != call.path["key"]}


def _managed(call: Call) -> Container:
    return call.container(Level.OWNER if call.kind == "groups" else Level.MAINTAINER)


def find_hook(call: Call) -> Hook:
    """The hook in the path, for an actor who may manage it."""
    number = call.number("hook_id", "Hook")
    found = call.session.scalar(select(Hook).where(Hook.of(_managed(call)), Hook.id == number))
    if found is None:
        raise missing()
    return found


def _apply(hook: Hook, params: HookSettings) -> None:
    given = params.given("url")
    hook.triggers = {**hook.triggers, **{name: given[name] for name in SETTABLE if given.get(name) is not None}}
    for name in ("url_variables", "custom_headers"):
        if (pairs := given.pop(name, None)) is not None:
            known: dict[str, Any] = getattr(hook, name) or {}
            setattr(hook, name, {**known, **{pair["key"]: pair["value"] for pair in pairs}})
    for name, value in given.items():
        if name not in SETTABLE and not (
            value is None and name in ("enable_ssl_verification", "branch_filter_strategy")
        ):
            setattr(hook, name, value)
    _check(hook)


def _check(hook: Hook) -> None:
    try:
        url = urlsplit(re.sub(r"\{\w+\}", "x", hook.url))
        fits = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", hook.url):
        raise ApiError(422, {"error": "Invalid url given"})
    if hook.token and len(hook.token) > 255:
        raise rejected(422, {"token": ["is too long (maximum is 255 characters)"]})
    if hook.push_events_branch_filter and hook.branch_filter_strategy == "regex":
        try:
            re.compile(hook.push_events_branch_filter)
        except re.error:
            raise ApiError(422, {"error": "Invalid branch filter given"}) from None
