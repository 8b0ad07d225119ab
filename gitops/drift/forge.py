"""Objects in the stack's GitLab groups and projects that no program declares. No value of a variable is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import gitlab
import requests

from gitops.drift.finding import Cause, Finding
from gitops.pulumi.state import State

__all__ = ["look", "owns_forge"]

_GROUP: Final = "gitlab:index/group:Group"
_PROJECT: Final = "gitlab:index/project:Project"
_BOT: Final = re.compile(r"(group|project)_\d+_bot_")
"""Name of the user that GitLab makes for an access token."""
_PAID: Final = (403, 404)
"""How GitLab says that the tier has none."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One kind of object inside a group or a project."""

    what: str
    types: frozenset[str]
    """Type tokens that declare it."""
    listed: Callable[[Any], Iterable[Any]]
    """Lists what a group or a project has itself, without what it inherits."""
    keys: Callable[[Any], Sequence[object]]
    """What may follow the container's number in the identifier of the resource."""
    name: Callable[[Any], str]
    paid: bool = False
    """Whether the free tier has none."""
    optional: bool = False
    """Whether the program leaves alone what it does not name unless it names one."""


def _types(*names: str) -> frozenset[str]:
    return frozenset(f"gitlab:index/{name[0].lower()}{name[1:]}:{name}" for name in names)


def _variable(each: Any) -> str:
    return f"{each.key} (scope {each.environment_scope})"


def _hook(each: Any) -> str:
    """Where a hook reports to; path and query of its address can hold a secret."""
    address = urlsplit(each.url)
    return f"{each.id} to {address.scheme}://{address.hostname}"


_OF_BOTH: Final = (
    _Part(
        what="variable",
        types=_types("GroupVariable", "ProjectVariable"),
        listed=lambda container: container.variables.list(iterator=True),
        keys=lambda each: (f"{each.key}:{each.environment_scope}",),
        name=_variable,
    ),
    _Part(
        what="deploy token",
        types=_types("GroupDeployToken", "ProjectDeployToken", "DeployToken"),
        listed=lambda container: container.deploytokens.list(iterator=True, active=True),
        keys=lambda each: (each.id,),
        name=lambda each: str(each.name),
    ),
    _Part(
        what="member",
        types=_types("GroupMembership", "ProjectMembership"),
        listed=lambda container: container.members.list(iterator=True),
        keys=lambda each: (each.id,),
        name=lambda each: str(each.username),
        optional=True,
    ),
)
_OF_GROUPS: Final = (
    _Part(
        what="group label",
        types=_types("GroupLabel"),
        listed=lambda group: group.labels.list(iterator=True, include_ancestor_groups=False, only_group_labels=True),
        keys=lambda each: (each.name, each.id),
        name=lambda each: str(each.name),
    ),
    _Part(
        what="hook",
        types=_types("GroupHook"),
        listed=lambda group: group.hooks.list(iterator=True),
        keys=lambda each: (each.id,),
        name=_hook,
        paid=True,
    ),
    *_OF_BOTH,
)
_OF_PROJECTS: Final = (
    _Part(
        what="hook",
        types=_types("ProjectHook"),
        listed=lambda project: project.hooks.list(iterator=True),
        keys=lambda each: (each.id,),
        name=_hook,
    ),
    *_OF_BOTH,
)


def owns_forge(state: State) -> bool:
    """Whether the stack has a GitLab group."""
    return any(state.of(_GROUP))


def look(
    client: gitlab.Gitlab, state: State, states: Sequence[State], tell: Callable[[str], None]
) -> tuple[list[Finding], list[str]]:
    """Return what is in the stack's groups and projects without being declared, and why something could not be told.

    Args:
        client: GitLab's.
        state: the stack that owns the forge.
        states: all stacks: the others put hooks and tokens into its projects.
        tell: gets a few words on where it is.
    """
    declared = frozenset((each.type, each.id) for every in states for each in every.resources)
    search = _Search(client, declared)
    projects = list(search.get(client.projects.get, [each.id for each in state.of(_PROJECT)]))
    groups = list(search.get(client.groups.get, [each.id for each in state.of(_GROUP)]))
    # Whoever made a group or project is its owner without being named.
    search.programs |= {int(project.creator_id) for project in projects if project.creator_id}
    for group in groups:
        tell(f"group {group.full_path}")
        search.children(group)
        search.parts(group, f"group {group.full_path}", _OF_GROUPS)
    for project in projects:
        tell(f"project {project.path_with_namespace}")
        search.parts(project, f"project {project.path_with_namespace}", _OF_PROJECTS)
    return search.findings, search.errors


class _Search:
    """Collects what nobody declared."""

    def __init__(self, client: gitlab.Gitlab, declared: frozenset[tuple[str, str]]) -> None:
        self.findings: list[Finding] = []
        self.errors: list[str] = []
        self.programs: set[int] = set()
        """Users that the programs run as."""
        self._declared = declared
        with self._told("the token's user"):
            client.auth()
            self.programs.add(int(client.user.id if client.user else 0))

    @contextmanager
    def _told(self, what: str, *, fine: Collection[int] = ()) -> Iterator[None]:
        """Turn a refusal into a sentence.

        Args:
            what: what is looked at.
            fine: statuses that say that there is nothing to look at.
        """
        try:
            yield
        except gitlab.GitlabError as error:
            if error.response_code not in fine:
                self.errors.append(f"{what}: GitLab answered {error.response_code}: {error.error_message}")
        except requests.RequestException as error:
            self.errors.append(f"{what}: GitLab does not answer: {error}")

    def get(self, get: Callable[[str], Any], numbers: Iterable[str]) -> Iterator[Any]:
        """Yield the declared groups or projects that are there; the comparison with reality names the others."""
        for number in numbers:
            with self._told(f"number {number}", fine=(404,)):
                yield get(number)

    def children(self, group: Any) -> None:
        """Find subgroups and projects; what is inside an undeclared subgroup goes without saying."""
        for what, token, listed in (("subgroup", _GROUP, group.subgroups), ("project", _PROJECT, group.projects)):
            with self._told(f"{what}s of group {group.full_path}"):
                for each in listed.list(iterator=True):
                    if (token, str(each.id)) not in self._declared and not each.attributes.get(
                        "marked_for_deletion_on"
                    ):
                        self._add(what, str(each.path), f"group {group.full_path}")

    def parts(self, container: Any, where: str, parts: Iterable[_Part]) -> None:
        """Find what is inside a group or a project."""
        for part in parts:
            known = {number for token, number in self._declared if token in part.types}
            if part.optional and not any(number.startswith(f"{container.id}:") for number in known):
                continue
            with self._told(f"{part.what}s of {where}", fine=_PAID if part.paid else ()):
                for each in part.listed(container):
                    if known.isdisjoint(f"{container.id}:{key}" for key in part.keys(each)) and not self._own(
                        part, each
                    ):
                        self._add(part.what, part.name(each), where)

    def _own(self, part: _Part, each: Any) -> bool:
        """Whether it is a member that is no person: a program's account, or the bot of an access token."""
        return part.what == "member" and (each.id in self.programs or bool(_BOT.match(each.username)))

    def _add(self, what: str, name: str, where: str) -> None:
        self.findings.append(Finding(cause=Cause.UNDECLARED, type=what, name=name, where=where))
