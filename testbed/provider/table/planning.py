"""Labels, boards, milestones and badges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.provider.api import Answer
from testbed.provider.codecs import COMMA_SEPARATED, DATE, INTEGER, Records
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Resource, Send, inputs, outputs, parent
from testbed.provider.values import Properties

__all__ = ["RESOURCES"]


class _Label(Lifecycle):
    """GitLab answers a colour's name with its number: the name stays as long as the number does."""

    def decode(self, call: Call, answer: Answer) -> Properties:
        state = super().decode(call, answer)
        drifted = call.recorded.get("colorHex") not in {None, answer["color"]} and not call.inputs
        if "color" not in call.state or drifted:
            state["color"] = answer["color"]
        return state


class _Board(Lifecycle):
    """A board's scope and lists are separate calls; its lists are made anew when they change."""

    _SCOPE = ("assigneeId", "milestoneId", "weight", "labels")

    def create(self, call: Call) -> Answer:
        return call.api.send("post", call.collection, {"name": call.wanted("name")})

    def complete(self, call: Call) -> Answer | None:
        if any(call.inputs.get(name) is not None for name in self._SCOPE):
            call.api.send("put", call.item, call.body())
        for entry in call.wanted("lists") or ():
            call.api.send("post", f"{call.item}/lists", self._list_body(entry))
        return call.api.get(call.item)

    def update(self, call: Call) -> Answer:
        call.api.send("put", call.item, call.body())
        if call.changed("lists"):
            for old in call.api.list(f"{call.item}/lists"):
                call.api.delete(f"{call.item}/lists/{old['id']}")
            for entry in call.wanted("lists"):
                call.api.send("post", f"{call.item}/lists", self._list_body(entry))
        return call.api.get(call.item)

    @staticmethod
    def _list_body(entry: Mapping[str, Any]) -> Answer:
        fields = {
            "labelId": "label_id",
            "assigneeId": "assignee_id",
            "milestoneId": "milestone_id",
            "iterationId": "iteration_id",
        }
        return {field: int(entry[name]) for name, field in fields.items() if entry.get(name) is not None}


class _Lists(Records):
    """The lists of a board, in their order."""

    def __init__(self) -> None:
        super().__init__(("labelId", "assigneeId", "milestoneId", "iterationId"), ordered=True)

    def decode(self, value: Any) -> Any:
        return [
            {"id": entry["id"], "position": entry["position"]}
            | {
                f"{kind}Id": entry[kind]["id"]
                for kind in ("label", "assignee", "milestone", "iteration")
                if entry.get(kind)
            }
            for entry in sorted(value, key=lambda entry: int(entry["position"] or 0))
        ]


class _Milestone(Lifecycle):
    """A milestone's state is changed by naming the step."""

    _STEPS: Mapping[str, str] = {"active": "activate", "closed": "close"}

    def complete(self, call: Call) -> Answer | None:
        return self.update(call) if call.wanted("state") == "closed" else None

    def update(self, call: Call) -> Answer:
        body = call.body()
        if call.changed("state"):
            body["state_event"] = self._STEPS[call.wanted("state")]
        return call.api.send("put", call.item, body)


_LABEL = (
    *inputs("color", required=True, read=False),
    *inputs("name", replaces=True),
    *inputs("description", default=""),
    *outputs("colorHex:color labelId:id"),
)
_BADGE = (
    *inputs("imageUrl linkUrl", required=True),
    *inputs("name"),
    *outputs("renderedImageUrl renderedLinkUrl"),
)
_BOARD_LISTS = inputs("lists", codec=_Lists(), send=Send.NEVER, default=[])
_BOARD_SCOPE = (
    *inputs("labels", codec=COMMA_SEPARATED),
    *inputs("milestoneId", reads="milestone.id", codec=INTEGER),
)

RESOURCES = (
    Resource(
        name="GroupLabel",
        collection="groups/{group}/labels",
        item="groups/{group}/labels/{name}",
        id="{group}:{name}",
        lifecycle=_Label(),
        properties=(*parent("group"), *_LABEL),
    ),
    Resource(
        name="ProjectLabel",
        collection="projects/{project}/labels",
        item="projects/{project}/labels/{labelId}",
        id="{project}:{labelId}",
        lifecycle=_Label(),
        properties=(*parent("project"), *_LABEL, *inputs("priority", codec=INTEGER)),
    ),
    Resource(
        name="ProjectIssueBoard",
        collection="projects/{project}/boards",
        item="projects/{project}/boards/{key}",
        id="{project}:{key}",
        lifecycle=_Board(),
        properties=(
            *parent("project"),
            *inputs("name"),
            *inputs("assigneeId", reads="assignee.id", codec=INTEGER),
            *inputs("weight", codec=INTEGER),
            *_BOARD_SCOPE,
            *_BOARD_LISTS,
        ),
    ),
    Resource(
        name="GroupIssueBoard",
        collection="groups/{group}/boards",
        item="groups/{group}/boards/{key}",
        id="{group}:{key}",
        lifecycle=_Board(),
        properties=(*parent("group"), *inputs("name"), *_BOARD_SCOPE, *_BOARD_LISTS),
    ),
    Resource(
        name="ProjectMilestone",
        collection="projects/{project}/milestones",
        item="projects/{project}/milestones/{milestoneId}",
        id="{project}:{milestoneId}",
        lifecycle=_Milestone(),
        properties=(
            *parent("project"),
            *inputs("title", required=True),
            *inputs("description", default=""),
            *inputs("dueDate startDate", codec=DATE),
            *inputs("state", choices=("active", "closed"), default="active", send=Send.NEVER),
            *outputs("createdAt expired iid milestoneId:id projectId updatedAt webUrl"),
        ),
    ),
    Resource(
        name="ProjectBadge",
        collection="projects/{project}/badges",
        item="projects/{project}/badges/{key}",
        id="{project}:{key}",
        lifecycle=Lifecycle(),
        unique=True,
        properties=(*parent("project"), *_BADGE),
    ),
    Resource(
        name="GroupBadge",
        collection="groups/{group}/badges",
        item="groups/{group}/badges/{key}",
        id="{group}:{key}",
        lifecycle=Lifecycle(),
        unique=True,
        properties=(*parent("group"), *_BADGE),
    ),
)
