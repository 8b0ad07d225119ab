"""``rules``: whether a job, an include or a whole pipeline comes about, and with which changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from testbed.gitlab.pipelines.expressions import ExpressionError, evaluate
from testbed.gitlab.pipelines.patterns import glob_matches
from testbed.gitlab.pipelines.variables import expand

__all__ = ["Files", "RuleError", "Ruling", "changed", "rule"]

_MOST_COMPARISONS = 50_000


class RuleError(ValueError):
    """A rule that cannot be read."""


class Files(Protocol):
    """What rules ask about the commit."""

    def paths(self) -> Sequence[str]:
        """All files of the commit."""
        ...

    def changed(self, compare_to: str | None) -> Sequence[str] | None:
        """The files that the push, or the merge request, changed; nothing when there is nothing to compare with."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the first rule that fits says."""

    when: str | None = None
    allow_failure: bool | dict[str, Any] | None = None
    start_in: str | None = None
    interruptible: bool | None = None
    needs: list[Any] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    auto_cancel: Mapping[str, Any] = field(default_factory=dict)


def rule(rules: Sequence[Mapping[str, Any]], variables: Mapping[str, str], files: Files) -> Ruling | None:
    """The ruling of the first rule that fits; nothing when none does.

    Raises:
        RuleError: when an expression cannot be read.
    """
    for each in rules:
        if _fits(each, variables, files):
            return Ruling(
                when=each.get("when"),
                allow_failure=each.get("allow_failure"),
                start_in=each.get("start_in"),
                interruptible=each.get("interruptible"),
                needs=each.get("needs"),
                variables=each.get("variables") or {},
                auto_cancel=each.get("auto_cancel") or {},
            )
    return None


def _fits(each: Mapping[str, Any], variables: Mapping[str, str], files: Files) -> bool:
    if "if" in each:
        try:
            if not evaluate(str(each["if"]), variables):
                return False
        except ExpressionError as error:
            raise RuleError(f"rules:rule if {error}") from None
    if "changes" in each and not changed(each["changes"], variables, files):
        return False
    return "exists" not in each or _exists(each["exists"], variables, files)


def changed(wanted: Any, variables: Mapping[str, str], files: Files) -> bool:
    """Whether one of the paths changed; so it is taken to be where there is nothing to compare with."""
    compare_to = expand(str(wanted["compare_to"]), variables) if _long(wanted) and "compare_to" in wanted else None
    found = files.changed(compare_to)
    return found is None or _any(_patterns(wanted, variables), found)


def _exists(wanted: Any, variables: Mapping[str, str], files: Files) -> bool:
    return _any(_patterns(wanted, variables), files.paths())


def _any(patterns: Sequence[str], paths: Sequence[str]) -> bool:
    if len(patterns) * len(paths) > _MOST_COMPARISONS:
        return True  # as GitLab does rather than compare for ever
    return any(glob_matches(pattern, path) for pattern in patterns for path in paths)


def _patterns(wanted: Any, variables: Mapping[str, str]) -> list[str]:
    paths = wanted.get("paths", []) if _long(wanted) else wanted
    return [expand(str(path), variables) for path in ([paths] if isinstance(paths, str) else paths)]


def _long(wanted: Any) -> bool:
    return isinstance(wanted, Mapping)
