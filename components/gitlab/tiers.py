"""What GitLab's licence tiers have; what an instance lacks is left out and told, instead of failing half-way."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum, unique

from components.vocabulary import GitLabTier

__all__ = ["Feature", "lacking"]


@unique
class Feature(StrEnum):
    """Something that not every tier has, named as people read it in a warning."""

    APPROVAL_RULES = "approval rules"
    CODE_OWNERS = "approval by code owners"
    PROTECTED_ENVIRONMENTS = "protected environments"
    SEVERAL_GROUP_BOARDS = "more than one board of a group"
    AGENT_IMPERSONATION = "access of an agent as somebody else"

    @property
    def least(self) -> GitLabTier:
        """The least tier that has it: Premium has all of them, and no part of the platform needs more."""
        return GitLabTier.PREMIUM


def lacking(tier: GitLabTier, wanted: Iterable[Feature], subject: str) -> list[str]:
    """Return a sentence per feature that is wanted and that the tier does not have.

    Args:
        tier: what the instance is licensed for.
        wanted: the features that the data asks for.
        subject: what asks for them, by kind and name.
    """
    return [
        f"{subject} asks for {feature}, which GitLab has from {feature.least} on; this instance is {tier}: left out"
        for feature in wanted
        if not tier.covers(feature.least)
    ]
