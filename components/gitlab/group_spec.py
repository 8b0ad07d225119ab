"""What git says about the platform's GitLab group, and what of it must never be deployed."""

from __future__ import annotations

from pydantic import Field, model_validator

from components.gitlab.specs import OwnerSpec, token_violations
from components.invariants import Violation, visibility_is_limited
from components.spec import ProjectPath, Spec, Text, refusal

__all__ = ["GitLabGroupSpec", "SubgroupSpec", "group_violations"]


class SubgroupSpec(Spec):
    """A group inside the platform's group; it is as visible as that."""

    title: Text | None = None
    description: Text | None = None
    adopt: bool = False
    """Take over a subgroup that is there already, and never delete it."""


class GitLabGroupSpec(OwnerSpec):
    """What git says about the group. Milestones belong to projects: the provider has none for groups."""

    title: Text = "BigHPC"
    description: Text = "The delivery platform of the BigHPC consortium."
    subgroups: dict[ProjectPath, SubgroupSpec] = Field(default_factory=dict)
    """By path below the group."""

    @model_validator(mode="after")
    def _board_lists_are_labels(self) -> GitLabGroupSpec:
        named = dict.fromkeys(label for board in self.boards.values() for label in board.lists)
        unknown = [name for name in named if name not in self.labels]
        if unknown:
            raise refusal(
                f"a board's lists are labels of the group; {', '.join(unknown)} is none",
                f"add it to labels, or use one of: {', '.join(sorted(self.labels)) or '(there are no labels)'}",
            )
        return self

    @model_validator(mode="after")
    def _subgroups_have_their_parents(self) -> GitLabGroupSpec:
        parents = {path.rpartition("/")[0] for path in self.subgroups}
        missing = sorted(parents - self.subgroups.keys() - {""})
        if missing:
            raise refusal(
                f"a subgroup's own group is declared too; {', '.join(missing)} is not",
                "add it to subgroups",
            )
        return self


def group_violations(spec: GitLabGroupSpec) -> list[Violation]:
    """Return what in the group's data must never be deployed."""
    subject = f"GitLab group {spec.title}"
    return [*visibility_is_limited(subject, spec.visibility), *token_violations(subject, spec.access_tokens)]
