"""Labels of groups and projects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.colors import normalise, text_color
from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, invalid, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params, at_least_one
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Container, Label, Project

__all__ = ["label_basic", "label_entity", "routes"]

routes = Routes(anonymous=False)


class CreateLabel(Params):
    """POST .../labels."""

    name: str
    color: str
    description: str | None = None
    priority: int | None = None
    archived: bool = False


class UpdateLabel(Params):
    """PUT .../labels/:name."""

    new_name: str | None = None
    color: str | None = None
    description: str | None = None
    priority: int | None = None
    archived: bool | None = None


class OldUpdateLabel(UpdateLabel):
    """PUT .../labels: the label is named in the body."""

    name: str | None = None
    label_id: int | None = None


class ListLabels(Params):
    """GET .../labels."""

    search: str | None = None
    include_ancestor_groups: bool = True
    only_group_labels: bool = True
    with_counts: bool = False


def label_basic(label: Label) -> dict[str, Any]:
    """A label, as other entities show it."""
    return {
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "description_html": label.description or "",
        "text_color": text_color(label.color),
        "color": label.color,
        "archived": label.archived,
    }


def label_entity(label: Label, viewed_from: Container, counts: bool = False) -> dict[str, Any]:
    """A label, as seen from a group or project."""
    entity = {**label_basic(label), "subscribed": False}
    if counts:
        entity |= {"open_issues_count": 0, "closed_issues_count": 0, "open_merge_requests_count": 0}
    if isinstance(viewed_from, Project):
        entity |= {"priority": label.priority, "is_project_label": label.project_id is not None}
    return entity


@routes.get("/:container/labels")
def list_labels(call: Call, params: ListLabels) -> Page:
    """The labels, by default with those of the groups above."""
    container = call.container()
    owners = lineage(container) if params.include_ancestor_groups else [container]
    statement = select(Label).where(Label.of(*owners)).order_by(Label.name, Label.id)
    if params.search:
        statement = statement.where(
            Label.name.icontains(params.search, autoescape=True)
            | Label.description.icontains(params.search, autoescape=True)
        )
    return call.page(statement, Label.id, lambda row: label_entity(row, container, params.with_counts))


@routes.get("/:container/labels/{name}")
def get_label(call: Call) -> dict[str, Any]:
    """One label, by number or name."""
    container = call.container()
    return label_entity(_find(call, lineage(container), call.path["name"]), container)


@routes.post("/:container/labels")
def create_label(call: Call, params: CreateLabel) -> dict[str, Any]:
    """Create a label that neither the container nor a group above has."""
    container = call.container(Level.PLANNER)
    _check_name(params.name)
    taken = select(Label.id).where(Label.of(*lineage(container)), Label.name == params.name.strip())
    if call.session.scalar(taken) is not None:
        raise conflict("Label already exists")
    label = Label(
        name=params.name.strip(),
        color=normalise(params.color),
        description=params.description,
        archived=params.archived,
        priority=_priority(params.priority) if isinstance(container, Project) else None,
        **{"project" if isinstance(container, Project) else "namespace": container},
    )
    return label_entity(call.add(label), container)


@routes.put("/:container/labels/{name}")
def update_label(call: Call, params: UpdateLabel) -> dict[str, Any]:
    """Change a label."""
    return _update(call, params, call.path["name"])


@routes.put("/:container/labels")
def update_label_in_body(call: Call, params: OldUpdateLabel) -> dict[str, Any]:
    """Change a label, the old way."""
    return _update(call, params, str(params.label_id or params.name or ""))


@routes.delete("/:container/labels/{name}")
def delete_label(call: Call) -> None:
    """Remove a label."""
    container = call.container(Level.PLANNER)
    call.session.delete(_find(call, [container], call.path["name"]))


@routes.put("/projects/{id}/labels/{name}/promote")
def promote_label(call: Call) -> dict[str, Any]:
    """Turn a project's label into one of its group."""
    project = call.project(Level.PLANNER)
    group = project.namespace
    if group.personal:
        raise rejected(400, "Failed to promote project label to group label")
    call.need(group, Level.PLANNER)
    label = _find(call, [project], call.path["name"])
    label.project, label.namespace = None, group
    call.session.flush()
    return label_entity(label, group)


def _update(call: Call, params: UpdateLabel, reference: str) -> dict[str, Any]:
    container = call.container(Level.PLANNER)
    at_least_one(params, "new_name", "color", "description", "priority", "archived")
    label = _find(call, [container], reference)
    if params.new_name is not None and params.new_name != label.name:
        _check_name(params.new_name)
        taken = select(Label.id).where(Label.of(container), Label.name == params.new_name)
        if call.session.scalar(taken) is not None:
            raise invalid(title="has already been taken")
        label.name = params.new_name
    if params.color is not None:
        label.color = normalise(params.color)
    if "description" in params.model_fields_set:
        label.description = params.description
    if params.archived is not None:
        label.archived = params.archived
    if "priority" in params.model_fields_set and isinstance(container, Project):
        label.priority = _priority(params.priority)
    call.session.flush()
    return label_entity(label, container)


def _find(call: Call, owners: list[Container], reference: str) -> Label:
    by_name = select(Label).where(Label.of(*owners), Label.name == reference)
    found = call.session.scalar(by_name)
    if reference.isdecimal():
        by_number = call.session.scalar(select(Label).where(Label.of(*owners), Label.id == int(reference)))
        found = by_number or found
    if found is None:
        raise not_found("Label")
    return found


def _check_name(name: str) -> None:
    if not name.strip():
        raise invalid(title=["can't be blank"])
    if "," in name:
        raise invalid(title="is invalid")
    if len(name) > 255:
        raise invalid(title="is too long (maximum is 255 characters)")


def _priority(value: int | None) -> int | None:
    if value is not None and value < 0:
        raise invalid(priority="must be greater than or equal to 0")
    return value
