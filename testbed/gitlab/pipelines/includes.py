"""``include``: putting a configuration together from files of this project, of others, and of components.

Everything comes out of the double's own repositories, with the rights of the user who starts the pipeline; nothing is
fetched from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pygit2
from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import reads_code
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configuration import ConfigurationError, read
from testbed.gitlab.pipelines.rules import Files, RuleError, rule
from testbed.gitlab.pipelines.sources import Source, component_commit
from testbed.gitlab.pipelines.variables import expand
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Project, User

__all__ = ["GENERATED", "Assembly", "merged"]

GENERATED = "generated"
"""Key of an include whose text is at hand."""

MOST_INCLUDES = 150
"""Files that one configuration may include, the nested ones counted."""


@dataclass(kw_only=True)
class Assembly:
    """One configuration being put together."""

    forge: Forge
    session: Session
    user: User | None
    variables: Mapping[str, str]
    files: Files
    _count: int = field(default=0, init=False)
    _above: tuple[tuple[int, str, str], ...] = field(default=(), init=False)

    def root(self, source: Source, path: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The project's configuration, everything included.

        Args:
            source: the commit.
            path: of the file, or ``path@group/project`` or ``path@group/project:ref``.
            inputs: values for its ``spec: inputs``.

        Raises:
            ConfigurationError: when a file is missing or cannot be read.
        """
        name, at, place = path.partition("@")
        if not at:
            return self._file(source, path, inputs)
        project, _, ref = place.partition(":")
        return self._project_file(project, ref or None, name, inputs)

    def entries(self, source: Source, entries: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What a list of includes amounts to, as of a child pipeline; `inputs` go to all of them.

        An entry with ``generated`` holds the text of a file that a job of the parent made.
        """
        found: dict[str, Any] = {}
        for each in _entries(entries):
            if GENERATED in each:
                part = self.text(source, read(each[GENERATED], "artifact", inputs, self.variables))
            else:
                part = self.text(source, {"include": [{**each, "inputs": {**(each.get("inputs") or {}), **inputs}}]})
            found = merged(found, part)
        return found

    def text(self, source: Source, document: dict[str, Any]) -> dict[str, Any]:
        """A configuration that was read already, its includes filled in."""
        found: dict[str, Any] = {}
        for entry in _entries(document.get("include")):
            for part in self._parts(source, self._expanded(entry)):
                found = merged(found, part)
        return merged(found, {key: value for key, value in document.items() if key != "include"})

    def _parts(self, source: Source, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not self._wanted(entry):
            return
        inputs = entry.get("inputs") or {}
        match entry:
            case {"local": str(pattern)}:
                yield from self._local(source, pattern, inputs)
            case {"project": str(project), "file": files}:
                for path in [files] if isinstance(files, str) else files:
                    yield self._project_file(project, entry.get("ref"), path, inputs)
            case {"component": str(address)}:
                yield self._component(address, inputs)
            case {"remote": str(url)}:
                yield self._remote(url, inputs)
            case {"template": str(name)}:
                raise ConfigurationError(f"Template file `{name}` is not a valid location!")
            case _:
                raise ConfigurationError(f"Include `{entry}` needs to match exactly one accessor!")

    def _wanted(self, entry: dict[str, Any]) -> bool:
        if "rules" not in entry:
            return True
        try:
            found = rule(entry["rules"], self.variables, self.files)
        except RuleError as error:
            raise ConfigurationError(f"include: {error}") from None
        return found is not None and found.when != "never"

    def _local(self, source: Source, pattern: str, inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        paths = source.matching(pattern)
        if not paths:
            raise ConfigurationError(f"Local file `{pattern.lstrip('/')}` does not exist!")
        for path in paths:
            yield self._file(source, path, inputs)

    def _project_file(self, name: str, ref: str | None, path: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        source = self._source(name, ref)
        if source.text(path) is None:
            raise ConfigurationError(f"Project `{name}` file `{path.lstrip('/')}` does not exist!")
        return self._file(source, path, inputs)

    def _component(self, address: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        place, at, version = address.partition("@")
        host, _, path = place.partition("/")
        name, _, component = path.rpartition("/")
        if not at or host != self.forge.settings.host or not name:
            raise ConfigurationError(f"Component `{address}` - content not found")
        repository = self._open(name)
        commit = component_commit(repository[1], version)
        if commit is None:
            raise ConfigurationError(f"Component `{address}` - content not found")
        source = Source(*repository, commit)
        for file in (f"templates/{component}.yml", f"templates/{component}/template.yml"):
            if source.text(file) is not None:
                return self._file(source, file, inputs)
        raise ConfigurationError(f"Component `{address}` - content not found")

    def _remote(self, url: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """A file by its address, when the address is the double's own."""
        project, mark, rest = url.removeprefix(f"{self.forge.settings.external_url}/").partition("/-/raw/")
        if not mark or not url.startswith(f"{self.forge.settings.external_url}/"):
            raise ConfigurationError(f"Remote file `{url}` could not be fetched because the host is blocked!")
        ref, _, path = unquote(rest.partition("?")[0]).partition("/")
        return self._project_file(project, ref, path, inputs)

    def _source(self, name: str, ref: str | None) -> Source:
        project, repository = self._open(name)
        commit = resolve(repository, ref or project.default_branch)
        if commit is None:
            raise ConfigurationError(f"Project `{name}` reference `{ref or 'HEAD'}` does not exist!")
        return Source(project, repository, commit)

    def _open(self, name: str) -> tuple[Project, pygit2.Repository]:
        """A project that the user may read."""
        found = self.session.scalar(select(Project).where(Project.full_path == name.strip("/")))
        if found is None or not reads_code(self.session, Actor(user=self.user), found):
            raise ConfigurationError(
                f"Project `{name}` not found or access denied! Make sure any includes in the pipeline configuration "
                "are correctly defined."
            )
        return found, self.forge.storage.open(found.id)

    def _file(self, source: Source, path: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        text = source.text(path)
        if text is None:
            raise ConfigurationError(f"Local file `{path.lstrip('/')}` does not exist!")
        here = (source.project.id, str(source.commit.id), path.lstrip("/"))
        if here in self._above:
            raise ConfigurationError(f"File `{path.lstrip('/')}` includes itself")
        self._count += 1
        if self._count > MOST_INCLUDES + 1:
            raise ConfigurationError(f"Maximum of {MOST_INCLUDES} nested includes are allowed!")
        self._above = (*self._above, here)
        try:
            return self.text(source, read(text, path.lstrip("/"), inputs, self.variables))
        finally:
            self._above = self._above[:-1]

    def _expanded(self, entry: dict[str, Any]) -> dict[str, Any]:
        """An include with its variables filled in; rules see them by themselves."""
        return {
            key: _filled(value, self.variables) if key not in ("rules", "inputs") else value
            for key, value in entry.items()
        }


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Two configurations as one: mappings are merged, anything else of `over` replaces what was there."""
    found = dict(base)
    for key, value in over.items():
        there = found.get(key)
        found[key] = merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return found


def _entries(include: Any) -> list[dict[str, Any]]:
    """``include`` in its long form."""
    given = include if isinstance(include, list) else [] if include is None else [include]
    found = []
    for each in given:
        if isinstance(each, str):
            found.append({"remote" if each.startswith(("http://", "https://")) else "local": each})
        elif isinstance(each, dict):
            found.append(each)
        else:
            raise ConfigurationError("include config should be a string, a mapping, or a list of them")
    return found


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    return expand(value, variables) if isinstance(value, str) else value
