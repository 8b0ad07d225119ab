"""Which changes a reviewer must see first, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitops.pulumi.plan import Change, Plan, short_type

__all__ = ["Risk", "risks"]

_HOLDS_DATA: Final = frozenset(
    {
        "gitlab:index/group:Group",
        "gitlab:index/project:Project",
        "gitlab:index/branch:Branch",
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:PersistentVolume",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:apps/v1:StatefulSet",
    }
)
"""Types whose deletion or replacement loses what people put in."""

_ACCESS: Final = ("maximum", "owner", "maintainer", "developer", "reporter", "guest", "minimal", "no one")
"""GitLab's roles from much to little."""

_VISIBILITY: Final = ("public", "internal", "private")

_ORDERED: Final[Mapping[str, Sequence[str]]] = {
    "accessLevel": _ACCESS,
    "pushAccessLevel": ("developer", "maintainer", "no one"),
    "mergeAccessLevel": ("developer", "maintainer", "no one"),
    "createAccessLevel": ("developer", "maintainer", "no one"),
    "visibilityLevel": _VISIBILITY,
}
"""Property to its values, the widest first."""

_WIDER_WHEN_TRUE: Final = frozenset({"allowForcePush", "untagged", "automountServiceAccountToken"})

_GRANTS: Final = frozenset({"rules", "subjects", "scopes", "targetProjectIds", "targetGroupIds", "destinations"})
"""Lists in which every further entry lets somebody do more."""


@dataclass(frozen=True, kw_only=True)
class Risk:
    """One reason to look twice."""

    change: Change
    reason: str
    rank: int
    """Smaller is worse."""


def risks(plan: Plan) -> list[Risk]:
    """The risky changes of a plan, the worst first."""
    found = [risk for change in plan.changes if change.operation != "unchanged" for risk in _of(change)]
    return sorted(found, key=lambda risk: (risk.rank, risk.change.type, risk.change.name))


def _of(change: Change) -> list[Risk]:
    what = short_type(change.type)
    widened = [
        Risk(change=change, rank=1, reason=f"{what} lets more people or programs do more: `{path}`")
        for path in _widened(change)
    ]
    if change.operation not in ("delete", "replace"):
        return widened
    done = "deleted" if change.operation == "delete" else "deleted and made anew"
    causes = ", ".join(f"`{each.path}`" for each in change.properties if each.replaces)
    reason = f"{what} is {done}" + (f" because of {causes}" if causes else "")
    if change.type in _HOLDS_DATA:
        return [Risk(change=change, rank=0, reason=f"{reason}: what it holds is lost"), *widened]
    if change.protected:
        return [Risk(change=change, rank=1, reason=f"{reason}, although it is protected"), *widened]
    return [Risk(change=change, rank=2, reason=reason), *widened]


def _widened(change: Change) -> list[str]:
    """Paths of the properties by which a change grants more than before."""
    if change.operation == "create":
        # What is new is read as a whole; only what is dangerous by itself is named.
        return [path for path in sorted(_WIDER_WHEN_TRUE) if change.new.get(path) is True]
    return [each.path for each in change.properties if _wider(each.path, each.old, each.new)]


def _wider(path: str, old: Any, new: Any) -> bool:
    words = [part.partition("[")[0] for part in path.split(".")]
    order = _ORDERED.get(words[-1], ())
    if old in order and new in order:
        return order.index(new) < order.index(old)
    if words[-1] in _WIDER_WHEN_TRUE:
        return new is True
    if _GRANTS.isdisjoint(words) or new is None:
        return False
    if isinstance(old, list) and isinstance(new, list):
        return any(item not in old for item in new)
    return bool(new != old)
