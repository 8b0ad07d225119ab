"""Files of commits, as configurations and their rules ask for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pygit2

from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.patterns import glob_matches
from testbed.gitlab.repositories.reading import blob_at, resolve
from testbed.gitlab.repositories.rules import ZERO
from testbed.gitlab.store import Pipeline, Project

__all__ = ["CommitFiles", "Source", "component_commit"]

_VERSION = re.compile(r"v?(?P<numbers>\d+(\.\d+){0,2})(?P<rest>[-+].*)?")


@dataclass(frozen=True)
class Source:
    """One commit of one project, where files are included from."""

    project: Project
    repository: pygit2.Repository
    commit: pygit2.Commit

    def text(self, path: str) -> str | None:
        """A file's content; nothing when it is not there."""
        found = blob_at(self.commit, path.lstrip("/"))
        return found[0].data.decode("utf-8", "replace") if found else None

    def matching(self, pattern: str) -> list[str]:
        """The files that a pattern with ``*`` and ``**`` names."""
        if "*" not in pattern:
            return [pattern] if blob_at(self.commit, pattern.lstrip("/")) else []
        return [path for path in tree_paths(self.commit) if glob_matches(pattern, path)]


def tree_paths(commit: pygit2.Commit) -> list[str]:
    """All files of a commit, in order."""
    index = pygit2.Index()
    index.read_tree(commit.tree)
    return [entry.path for entry in index]


class CommitFiles:
    """The files of a pipeline's commit, and what changed."""

    def __init__(self, forge: Forge, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._repository = forge.storage.open(pipeline.project_id)

    @cached_property
    def commit(self) -> pygit2.Commit:
        """The commit itself."""
        return self._repository.revparse_single(self._pipeline.sha).peel(pygit2.Commit)

    @cached_property
    def _paths(self) -> list[str]:
        return tree_paths(self.commit)

    def paths(self) -> Sequence[str]:
        """All files."""
        return self._paths

    def changed(self, compare_to: str | None) -> Sequence[str] | None:
        """The files that differ from another ref, from the merge request's base, or from before the push."""
        base = self._base(compare_to)
        if base is None:
            return None
        diff = self._repository.diff(base, self.commit)
        return [path for delta in diff.deltas for path in {delta.old_file.path, delta.new_file.path}]

    def _base(self, compare_to: str | None) -> pygit2.Commit | None:
        pipeline = self._pipeline
        if compare_to is not None:
            other = resolve(self._repository, compare_to)
            return self._ancestor(other) if other is not None else None
        if pipeline.merge_request is not None:
            return resolve(self._repository, pipeline.merge_request.base_sha)
        if pipeline.source != "push" or pipeline.tag or pipeline.before_sha == ZERO:
            return None
        return resolve(self._repository, pipeline.before_sha)

    def _ancestor(self, other: pygit2.Commit) -> pygit2.Commit:
        base = self._repository.merge_base(other.id, self.commit.id)
        found = self._repository[base] if base is not None else other
        assert isinstance(found, pygit2.Commit)  # noqa: S101 - a merge base is a commit
        return found


def component_commit(repository: pygit2.Repository, version: str) -> pygit2.Commit | None:
    """The commit of a component's version: an object name, a tag, a branch, ``~latest``, or a part of a version."""
    if version != "~latest" and not re.fullmatch(r"\d+(\.\d+)?", version):
        return resolve(repository, version)
    best: tuple[tuple[int, ...], str] | None = None
    for reference in repository.references.iterator():
        match = _VERSION.fullmatch(reference.shorthand) if reference.name.startswith("refs/tags/") else None
        if match is None or match["rest"] or not _belongs(match["numbers"], version):
            continue
        numbers = tuple(int(part) for part in match["numbers"].split("."))
        if best is None or numbers > best[0]:
            best = numbers, reference.name
    if best is None:
        return resolve(repository, version) if version != "~latest" else None
    return repository.references[best[1]].peel(pygit2.Commit)


def _belongs(numbers: str, version: str) -> bool:
    return version == "~latest" or f"{numbers}.".startswith(f"{version}.")
