"""Finding the ref, the commit and the path that an address names together."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2

from testbed.gitlab.core.errors import not_found
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.repositories.rules import BRANCHES, TAGS

__all__ = ["Place", "locate"]


@dataclass(frozen=True)
class Place:
    """A path at a ref."""

    ref: str
    commit: pygit2.Commit
    path: str


def locate(repository: pygit2.Repository, address: str) -> Place:
    """Tell ref and path apart: names of branches may have slashes, and the longest that exists counts.

    Raises:
        ApiError: 404.
    """
    parts = address.strip("/").split("/")
    for size in range(len(parts), 0, -1):
        name = "/".join(parts[:size])
        known = any(_exists(repository, prefix + name) for prefix in (BRANCHES, TAGS))
        commit = resolve(repository, name) if known or size == 1 else None
        if commit is not None:
            return Place(name, commit, "/".join(parts[size:]))
    raise not_found("Ref")


def _exists(repository: pygit2.Repository, name: str) -> bool:
    return pygit2.reference_is_valid_name(name) and name in repository.references
