"""Looking up those whom the fleet knows by name: GitLab wants their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import gitlab

from stacks.fleet_model import Fleet
from stacks.problems import Collector, show

__all__ = ["People", "find_people"]


@dataclass(frozen=True, kw_only=True)
class People:
    """Users and groups outside the platform, as GitLab numbers them."""

    users: Mapping[str, int] = field(default_factory=dict)
    """By username."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """By full path."""


def find_people(client: gitlab.Gitlab, fleet: Fleet, where: str) -> People:
    """Ask GitLab for everybody whom the fleet names; one request each.

    Args:
        client: how to ask.
        fleet: the fleet.
        where: what people call the GitLab instance.

    Raises:
        ConfigurationError: with everybody whom GitLab does not know.
    """
    collector = Collector()
    users, groups = {}, {}
    for name in sorted(set(_usernames(fleet))):
        found = client.users.list(username=name, get_all=False)
        if found:
            users[name] = int(found[0].id)
        else:
            collector.refuse(
                where,
                f"it has no user {show(name)}",
                "members and approvers of the fleet are users of the instance",
                "correct the username, or remove it until the person has an account",
            )
    for path in sorted(set(_group_paths(fleet))):
        try:
            groups[path] = int(client.groups.get(path, with_projects=False).id)
        except gitlab.GitlabGetError as error:
            if error.response_code != 404:
                raise
            collector.refuse(
                where,
                f"it has no group {show(path)}, or the token's user may not see it",
                "groups that the fleet shares with are there",
                "correct the full path, or remove it",
            )
    collector.close()
    return People(users=users, groups=groups)


def _usernames(fleet: Fleet) -> Iterator[str]:
    yield from fleet.group.members
    for spec in fleet.projects.values():
        yield from spec.members
        for approval in spec.approvals.values():
            yield from approval.users


def _group_paths(fleet: Fleet) -> Iterator[str]:
    yield from fleet.group.shared_with
    for spec in fleet.projects.values():
        yield from spec.shared_with
