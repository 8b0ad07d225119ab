"""Which changes of branches and tags are refused, and in which words.

Used in two places: by the server for changes through the API, and by Git's pre-receive hook for pushes. The hook runs
this file in a process of its own, so nothing but the standard library is imported here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

__all__ = ["BRANCHES", "TAGS", "ZERO", "Change", "PushPolicy", "Rule", "refusal"]

ZERO = "0" * 40
"""Stands for the absent side of a creation or deletion."""

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


@dataclass(frozen=True)
class Rule:
    """A protection, as it applies to one actor."""

    kind: str
    """``branch`` or ``tag``."""
    pattern: str
    push: bool
    """The actor may push to the branch, or create the tag."""
    merge: bool = False
    force: bool = False

    def matches(self, name: str) -> bool:
        """Whether the protection covers a name."""
        return re.fullmatch(_regular(self.pattern), name) is not None


def _regular(pattern: str) -> str:
    """GitLab's patterns know ``*`` alone; it crosses slashes."""
    return ".*".join(re.escape(part) for part in pattern.split("*"))


@dataclass(frozen=True)
class PushPolicy:
    """What one actor may do to the refs of one repository."""

    default_branch: str
    maintainer: bool
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> str:
        """For the environment of the hook."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PushPolicy:
        """From the environment of the hook."""
        fields = json.loads(text)
        return cls(**{**fields, "rules": tuple(Rule(**rule) for rule in fields["rules"])})

    def matching(self, kind: str, name: str) -> list[Rule]:
        """The protections that cover a ref."""
        return [rule for rule in self.rules if rule.kind == kind and rule.matches(name)]


@dataclass(frozen=True)
class Change:
    """One ref, before and after."""

    old: str
    new: str
    ref: str
    web: bool = False
    """Made through the API, which may do more to protected refs than a push."""

    @property
    def creates(self) -> bool:
        """The ref is new."""
        return self.old == ZERO

    @property
    def deletes(self) -> bool:
        """The ref goes away."""
        return self.new == ZERO


def refusal(policy: PushPolicy, change: Change, is_forced: Callable[[Change], bool]) -> str | None:
    """Why a change is refused, in GitLab's words, or nothing.

    Args:
        policy: what the actor may do.
        change: what the actor wants.
        is_forced: whether the new commit leaves out some of the old history; asked only when it matters.
    """
    if change.ref.startswith(BRANCHES):
        return _branch_refusal(policy, change, change.ref.removeprefix(BRANCHES), is_forced)
    if change.ref.startswith(TAGS):
        return _tag_refusal(policy, change, change.ref.removeprefix(TAGS))
    return None


def _branch_refusal(policy: PushPolicy, change: Change, name: str, is_forced: Callable[[Change], bool]) -> str | None:
    if change.deletes and name == policy.default_branch:
        return "The default branch of a project cannot be deleted."
    if change.creates and re.fullmatch(r"[0-9a-fA-F]{40}", name):
        return "You cannot create a branch with a 40-character hexadecimal branch name."
    rules = policy.matching("branch", name)
    if not rules:
        return None
    if change.deletes:
        return _protected_deletion_refusal(policy, change)
    return _protected_creation_refusal(change, rules) if change.creates else _update_refusal(change, rules, is_forced)


def _update_refusal(change: Change, rules: list[Rule], is_forced: Callable[[Change], bool]) -> str | None:
    if not any(rule.force for rule in rules) and is_forced(change):
        return "You are not allowed to force push code to a protected branch on this project."
    if not any(rule.push for rule in rules):
        return "You are not allowed to push code to protected branches on this project."
    return None


def _protected_creation_refusal(change: Change, rules: list[Rule]) -> str | None:
    if any(rule.push for rule in rules):
        return None
    if not any(rule.merge for rule in rules):
        return "You are not allowed to create protected branches on this project."
    return None if change.web else "You can only create protected branches using the web interface and API."


def _protected_deletion_refusal(policy: PushPolicy, change: Change) -> str | None:
    if not policy.maintainer:
        return (
            "You are not allowed to delete protected branches from this project. "
            "Only a project maintainer or owner can delete a protected branch."
        )
    return None if change.web else "You can only delete protected branches using the web interface."


def _tag_refusal(policy: PushPolicy, change: Change, name: str) -> str | None:
    rules = policy.matching("tag", name)
    if not change.creates and not policy.maintainer:
        return "You are not allowed to change existing tags on this project."
    if not rules:
        return None
    if change.deletes:
        return None if change.web else "You can only delete protected tags using the web interface."
    if not change.creates:
        return "Protected tags cannot be updated."
    if not any(rule.push for rule in rules):
        return "You are not allowed to create this tag as it is protected."
    return None
