"""The drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gitops.drill.changes import Change, another_value, failing_program, refused_object

__all__ = ["DRILLS", "Drill", "Fault", "Kind", "Moment"]


class Moment(Enum):
    """When a fault begins."""

    BEFORE = auto()
    """Before the change is pushed, until its release has ended."""
    DURING = auto()
    """While the operator brings the change up."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Trouble that is none of the repository's; whoever runs the platform knows how to make it."""

    name: str
    moment: Moment
    lasts_s: float = 0
    """How long it lasts, in seconds, where it does not pass by itself."""


class Kind(Enum):
    """How it goes."""

    RELEASE = auto()
    """The change is pushed and released, then reverted and released."""
    TWO_PUSHES = auto()
    """The revert is pushed right behind the change, and both are released at once."""
    FORCE_PUSH = auto()
    """The branch is pushed back by force, which GitLab must refuse."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One way to break an environment."""

    name: str
    about: str
    change: Change = another_value
    fault: Fault | None = None
    kind: Kind = Kind.RELEASE


def _during(name: str, lasts_s: float = 0) -> Fault:
    return Fault(name=name, moment=Moment.DURING, lasts_s=lasts_s)


def _before(name: str) -> Fault:
    return Fault(name=name, moment=Moment.BEFORE)


_ALL: Final[Sequence[Drill]] = (
    Drill(name="revert", about="a wrong value gets through"),
    Drill(name="failed-update", about="the program fails half-way", change=failing_program),
    Drill(name="provider-failure", about="the cluster refuses an object in mid-update", change=refused_object),
    Drill(name="two-pushes", about="a change and its revert within a second", kind=Kind.TWO_PUSHES),
    Drill(name="force-push", about="somebody pushes the branch back by force", kind=Kind.FORCE_PUSH),
    Drill(name="operator-killed", about="the operator is killed in mid-update", fault=_during("operator-killed")),
    Drill(
        name="api-server-restart",
        about="the Kubernetes API restarts in mid-update",
        fault=_during("api-server-restart"),
    ),
    Drill(name="gitlab-outage", about="GitLab answers 503 for a minute", fault=_during("gitlab-outage", 60)),
    Drill(name="state-outage", about="the state's backend is away for a minute", fault=_during("state-outage", 60)),
    Drill(name="stale-lock", about="an update that died holds the stack's lock", fault=_before("stale-lock")),
    Drill(
        name="pending-operations",
        about="the state remembers an operation that never ended",
        fault=_before("pending-operations"),
    ),
    Drill(name="expired-token", about="the run's token for GitLab expires", fault=_before("expired-token")),
)

DRILLS: Final = {drill.name: drill for drill in _ALL}
"""By name."""
