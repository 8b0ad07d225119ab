"""How a group wants the default branches of its projects protected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Project

__all__ = ["BY_NUMBER", "DefaultProtection", "of_project"]


def _settings(push: Level, merge: Level, *, force: bool = False, initial: bool = False) -> dict[str, Any]:
    return {
        "allowed_to_push": [{"access_level": int(push)}],
        "allow_force_push": force,
        "allowed_to_merge": [{"access_level": int(merge)}],
        "developer_can_initial_push": initial,
    }


BY_NUMBER: dict[int, dict[str, Any]] = {
    0: _settings(Level.DEVELOPER, Level.DEVELOPER, force=True),
    1: _settings(Level.DEVELOPER, Level.MAINTAINER),
    2: _settings(Level.MAINTAINER, Level.MAINTAINER),
    3: _settings(Level.MAINTAINER, Level.DEVELOPER),
    4: _settings(Level.MAINTAINER, Level.MAINTAINER, initial=True),
}
"""What the numbers of the older ``default_branch_protection`` stand for."""


@dataclass(frozen=True)
class DefaultProtection:
    """The settings, read."""

    push: tuple[Level, ...]
    merge: tuple[Level, ...]
    force: bool
    initial: bool
    """Developers may make the first push."""

    @property
    def none(self) -> bool:
        """Whether it protects from nothing."""
        return self.force and Level.DEVELOPER in self.push and Level.DEVELOPER in self.merge

    @property
    def developers_begin(self) -> bool:
        """Whether developers may push to a repository that is empty yet."""
        return self.none or self.initial or Level.DEVELOPER in self.push


def of_project(project: Project) -> DefaultProtection:
    """What the nearest group with an opinion says; otherwise all is for maintainers."""
    settings = BY_NUMBER[2]
    for group in project.namespace.lineage():
        if "default_branch_protection_defaults" in group.attributes:
            settings = {**settings, **group.attributes["default_branch_protection_defaults"]}
            break
    return DefaultProtection(
        push=_levels(settings["allowed_to_push"]),
        merge=_levels(settings["allowed_to_merge"]),
        force=bool(settings["allow_force_push"]),
        initial=bool(settings["developer_can_initial_push"]),
    )


def _levels(entries: list[dict[str, int]]) -> tuple[Level, ...]:
    return tuple(Level(entry["access_level"]) for entry in entries)
