"""What groups and projects have in common, as children of a component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pulumi

from components.gitlab.specs import VariableSpec
from components.gitlab.tiers import Feature, lacking
from components.vocabulary import GitLabTier

__all__ = ["Directory", "Owner", "day", "instant", "keeping", "page_url", "value_of", "warn_lacking"]


@dataclass(frozen=True, kw_only=True)
class Directory:
    """What GitLab and the stack's settings know by a name."""

    users: Mapping[str, int] = field(default_factory=dict)
    """Users' numbers, by username."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """Numbers of groups outside the platform, by full path."""
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """Secret values, by the name that the data calls them by."""
    tokens: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """Values of access tokens: the group's by name, a project's by ``<project>/<name>``."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The group or project that a child belongs to."""

    prefix: str
    """What the names of its children in the program begin with."""
    id: pulumi.Output[str]
    web_url: pulumi.Output[str]
    options: pulumi.ResourceOptions
    """Those of its component's children."""

    @property
    def number(self) -> pulumi.Output[int]:
        """Its id, where GitLab's provider wants a number."""
        return self.id.apply(int)


def keeping(options: pulumi.ResourceOptions, *, protect: bool, adopt: str | None) -> pulumi.ResourceOptions:
    """Return the options of an object that holds people's data.

    Args:
        options: those of the component's children.
        protect: whether it must not be deleted.
        adopt: what GitLab knows it by, if it is there already; it is then protected in any case.
    """
    # Not False: what a caller protects stays protected.
    own = pulumi.ResourceOptions(protect=True if protect or adopt else None, import_=adopt)
    return pulumi.ResourceOptions.merge(options, own)


def value_of(spec: VariableSpec, directory: Directory) -> pulumi.Output[str]:
    """Return a variable's value; a confidential one is secret also where the schema forgets to say so."""
    if spec.secret is not None:
        return pulumi.Output.secret(directory.secrets[spec.secret])
    if spec.token is not None:
        return pulumi.Output.secret(directory.tokens[spec.token])
    return pulumi.Output.from_input(spec.value or "")


def page_url(owner: Owner, link: str) -> pulumi.Input[str]:
    """Return the address that a link stands for: as it is, or below its owner's page."""
    return pulumi.Output.concat(owner.web_url, link) if link.startswith("/") else link


def day(value: date | None) -> str | None:
    """Return a day as GitLab writes it."""
    return value.isoformat() if value else None


def instant(value: date | None) -> str | None:
    """Return the beginning of a day as GitLab writes it where it wants a point in time."""
    return f"{value.isoformat()}T00:00:00.000Z" if value else None


def warn_lacking(component: pulumi.Resource, subject: str, tier: GitLabTier, wanted: Iterable[Feature]) -> None:
    """Tell what is left out because the instance's licence does not cover it."""
    for sentence in lacking(tier, wanted, subject):
        pulumi.log.warn(sentence, component)
