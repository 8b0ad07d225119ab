"""Who the cluster and the GitLab instance are, and the guard that keeps a stack on the ones it was brought up on.

A stack's state names objects by number and by name. On another cluster or instance the same numbers and names are other
people's objects, so a run there is refused unless the move is announced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pulumi

from components.identity import IDENTITY_TYPE
from stacks.problems import ConfigurationError, Problem
from stacks.settings import MoveSettings

__all__ = ["Identities", "forge_identity", "guard", "recorded_identities"]

_READ_OUTPUTS: Final = "pulumi:pulumi:readStackResourceOutputs"
"""A function of the engine's own: what each resource in a stack's state put out, also of the running stack."""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """Who the systems are that a stack runs against; None where it is not recorded."""

    cluster: str | None = None
    """The UID of the namespace kube-system: it lives and dies with the cluster."""
    gitlab: str | None = None
    """See ``forge_identity``."""


def forge_identity(host: str, group: str, created: tuple[int, str] | None) -> str:
    """Return who a GitLab instance is: its host, and the number and time under which it made the group.

    A port may change between two starts of a testbed, so it is no part of it.

    Args:
        host: the instance's host name.
        group: the path of the platform's group.
        created: the group's number and creation time, or None while there is no such group.
    """
    if created is None:
        return f"{host}/{group}#none"
    number, text = created
    time = datetime.fromisoformat(text).astimezone(UTC)
    return f"{host}/{group}#{number}@{time.isoformat(timespec='milliseconds')}"


def recorded_identities(stack_reference: str) -> Identities:
    """Return what earlier runs of this stack recorded."""
    result: Mapping[str, Any] = pulumi.runtime.invoke(_READ_OUTPUTS, {"stackName": stack_reference}).value or {}
    records = {
        urn.rpartition("::")[2]: resource["outputs"].get("value")
        for urn, resource in (result.get("outputs") or {}).items()
        if resource["type"] == IDENTITY_TYPE
    }
    return Identities(cluster=records.get("cluster"), gitlab=records.get("gitlab"))


def guard(recorded: Identities, found: Identities, move_to: MoveSettings) -> None:
    """Refuse a run against another cluster or instance than the recorded ones.

    Raises:
        ConfigurationError: naming both identities and how to move.
    """
    problems = []
    if recorded.cluster and found.cluster not in {recorded.cluster, move_to.cluster}:
        problems.append(_moved("cluster", recorded.cluster, found.cluster, "then run: pulumi refresh, pulumi up"))
    if recorded.gitlab and found.gitlab not in {recorded.gitlab, move_to.gitlab}:
        same_forge = recorded.gitlab.partition("#")[2] == str(found.gitlab).partition("#")[2]
        how = "then run: pulumi up" if same_forge else "before it, forget the old objects: pulumi state delete --all"
        problems.append(_moved("gitlab", recorded.gitlab, found.gitlab, how))
    if problems:
        raise ConfigurationError(problems)


def _moved(kind: str, recorded: str, found: str | None, how: str) -> Problem:
    what = {"cluster": "Kubernetes cluster", "gitlab": "GitLab instance"}[kind]
    return Problem(
        where=f"the {what}",
        value=f"found {found}",
        rule=f"the stack was brought up on {recorded} and stays there",
        remedy=f"connect to it; or, to move: pulumi config set --path bighpc:guard.moveTo.{kind} '{found}', {how}",
    )
