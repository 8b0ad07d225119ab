"""What comes after what in the platform repository, as GitLab has it: the checkout of a job may be old or shallow."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, cast

import gitlab
from gitlab.v4.objects import Project

from gitops.errors import CommandError

__all__ = ["Order", "check_on_branch", "head_of", "order", "resolve"]


class Order(Enum):
    """How a commit is related to the one that an environment has."""

    SAME = auto()
    NEWER = auto()
    """It contains the other one."""
    OLDER = auto()
    """The other one contains it."""
    BESIDE = auto()
    """Neither contains the other."""


def head_of(project: Project, branch: str, remedy: str) -> str:
    """Return the commit that a branch is at.

    Args:
        project: the repository's project.
        branch: an environment's.
        remedy: what to do when there is no such branch.

    Raises:
        CommandError: when there is no such branch.
        gitlab.GitlabError: when GitLab refuses.
    """
    try:
        return str(project.branches.get(branch).commit["id"])
    except gitlab.GitlabGetError as error:
        if error.response_code != 404:
            raise
        raise CommandError(f"{project.path_with_namespace} has no branch {branch}", remedy) from None


def resolve(project: Project, commit: str) -> str:
    """Return the whole name of a commit.

    Raises:
        CommandError: when the repository has no such commit.
        gitlab.GitlabError: when GitLab refuses.
    """
    try:
        return str(project.commits.get(commit).id)
    except gitlab.GitlabGetError as error:
        if error.response_code != 404:
            raise
        raise CommandError(
            f"{project.path_with_namespace} has no commit {commit}", "Push it to the environment's branch first."
        ) from None


def check_on_branch(project: Project, commit: str, branch: str, head: str) -> None:
    """Refuse a commit that is not on its branch.

    Raises:
        CommandError: with what to do.
        gitlab.GitlabError: when GitLab refuses.
    """
    if order(project, commit, head) not in (Order.SAME, Order.OLDER):
        raise CommandError(
            f"{commit[:8]} is not on branch {branch}, whose head is {head[:8]}",
            f"Merge it into {branch}; what an environment runs was reviewed there.",
        )


def order(project: Project, commit: str, other: str) -> Order:
    """Return how a commit is related to another one.

    Raises:
        gitlab.GitlabError: when GitLab refuses.
    """
    if commit == other:
        return Order.SAME
    base = _merge_base(project, commit, other)
    if base == other:
        return Order.NEWER
    return Order.OLDER if base == commit else Order.BESIDE


def _merge_base(project: Project, commit: str, other: str) -> str | None:
    try:
        found = cast(dict[str, Any], project.repository_merge_base([commit, other]))
    except gitlab.GitlabGetError as error:
        # No such commit (any more), or nothing in common.
        if error.response_code in (400, 404):
            return None
        raise
    return str(found["id"])
