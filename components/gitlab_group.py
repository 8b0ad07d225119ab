"""The GitLab group that holds the platform's projects, with the labels and the board that they share.

It does not manage who is a member: people come from the site's directory, and a program that lists them would
remove the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_gitlab as gitlab
from pydantic import Field, model_validator

from components.invariants import Violation, require, visibility_is_limited
from components.spec import Color, Spec, Text, refusal
from components.vocabulary import Visibility

__all__ = ["BoardSpec", "GitLabGroup", "GitLabGroupArgs", "GitLabGroupSpec", "LabelSpec", "group_violations"]


class LabelSpec(Spec):
    """An issue and merge request label."""

    color: Color
    description: Text | None = None


class BoardSpec(Spec):
    """An issue board: one list per label, in this order."""

    title: Text = "Delivery"
    lists: Annotated[tuple[Text, ...], Field(min_length=1)]


class GitLabGroupSpec(Spec):
    """What git says about the group."""

    title: Text = "BigHPC"
    description: Text = "The delivery platform of the BigHPC consortium."
    visibility: Visibility = Visibility.PRIVATE
    labels: dict[Text, LabelSpec] = Field(default_factory=dict)
    board: BoardSpec | None = None

    @model_validator(mode="after")
    def _board_lists_are_labels(self) -> GitLabGroupSpec:
        unknown = [name for name in (self.board.lists if self.board else ()) if name not in self.labels]
        if unknown:
            raise refusal(
                f"a board's lists are labels of the group; {', '.join(unknown)} is none",
                f"add it to labels, or use one of: {', '.join(sorted(self.labels)) or '(there are no labels)'}",
            )
        return self


def group_violations(spec: GitLabGroupSpec) -> list[Violation]:
    """Return what in the group's data must never be deployed."""
    return visibility_is_limited(f"GitLab group {spec.title}", spec.visibility)


@dataclass(frozen=True, kw_only=True)
class GitLabGroupArgs:
    """The group's data and its path; it depends on no other resource."""

    spec: GitLabGroupSpec
    path: str


class GitLabGroup(pulumi.ComponentResource):
    """A group, its labels and its issue board."""

    group_id: pulumi.Output[str]
    """The group's number, as text."""
    full_path: pulumi.Output[str]
    """The group's path from the root."""
    web_url: pulumi.Output[str]
    """The group's page."""

    def __init__(self, name: str, args: GitLabGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Group", name, None, opts)
        self._prefix = name
        self._spec = args.spec
        self._path = args.path
        self._child = pulumi.ResourceOptions(parent=self)
        require(group_violations(args.spec))

        self._group = self._create_group()
        self._labels = self._create_labels()
        self._create_board()

        self.group_id = self._group.id
        self.full_path = self._group.full_path
        self.web_url = self._group.web_url
        self.register_outputs({"groupId": self.group_id, "fullPath": self.full_path, "webUrl": self.web_url})

    def _create_group(self) -> gitlab.Group:
        return gitlab.Group(
            f"{self._prefix}-group",
            path=self._path,
            name=self._spec.title,
            description=self._spec.description,
            visibility_level=self._spec.visibility,
            opts=self._child,
        )

    def _create_labels(self) -> dict[str, gitlab.GroupLabel]:
        return {
            label: gitlab.GroupLabel(
                f"{self._prefix}-label-{label}",
                group=self._group.id,
                name=label,
                color=spec.color,
                description=spec.description,
                opts=self._child,
            )
            for label, spec in self._spec.labels.items()
        }

    def _create_board(self) -> None:
        if self._spec.board is None:
            return
        gitlab.GroupIssueBoard(
            f"{self._prefix}-board",
            group=self._group.id,
            name=self._spec.board.title,
            lists=[
                gitlab.GroupIssueBoardListArgs(label_id=self._labels[label].label_id, position=position)
                for position, label in enumerate(self._spec.board.lists)
            ],
            opts=self._child,
        )
