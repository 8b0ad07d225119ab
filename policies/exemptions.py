"""Exemptions: who may break which rule with which resource, why, and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["EXEMPTIONS", "Exemption", "load_exemptions", "resource_of"]

EXEMPTIONS: Final = Path(__file__).with_name("exemptions.yaml")
_KEYS: Final = ("stack", "resource", "rule", "reason", "owner", "expires")
_LONGEST: Final = 365  # days
_REASON: Final = 20  # characters: less is no sentence


def resource_of(urn: str) -> str:
    """Return the type and the name that a URN ends in, as an exemption writes them."""
    *_, qualified_type, name = urn.split("::", 3)
    return f"{qualified_type.rpartition('$')[2]}::{name}"


@dataclass(frozen=True)
class Exemption:
    """One entry of the file, right or wrong."""

    entry: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What messages call it."""
        return f"Exemption of {self.entry.get('resource')} from {self.entry.get('rule')}"

    def __str__(self) -> str:
        """Return what a reviewer wants to know."""
        entry = self.entry
        return f"exempt from {entry['rule']} until {entry['expires']}: {entry['reason']} ({entry['owner']})"

    def faults(self, today: date, rules: Collection[str]) -> Iterator[str]:
        """Yield what is wrong with it."""
        yield from (f"it has no {key}" for key in _KEYS if not str(self.entry.get(key) or "").strip())
        yield from (f"it has an unknown key '{key}'" for key in self.entry if key not in _KEYS)
        reason = str(self.entry.get("reason") or "").strip()
        if reason and len(reason) < _REASON:
            yield f"'{reason}' explains nothing"
        rule = self.entry.get("rule")
        if rule and rule not in rules:
            yield f"there is no rule '{rule}' to be exempted from"
        expires = self.entry.get("expires")
        if expires and type(expires) is not date:
            yield "expires is no date"
        elif type(expires) is date:
            if expires < today:
                yield f"it expired on {expires}"
            if expires > today + timedelta(days=_LONGEST):
                yield f"it lasts until {expires}, more than {_LONGEST} days from now"

    def holds(self, stack: str, today: date, rules: Collection[str]) -> bool:
        """Whether it exempts anything: it is of this stack and nothing is wrong with it."""
        return self.entry.get("stack") == stack and not any(self.faults(today, rules))

    def covers(self, rule: str, urn: str) -> bool:
        """Whether it is about that rule and resource."""
        return (self.entry["rule"], self.entry["resource"]) == (rule, resource_of(urn))


def load_exemptions(path: Path = EXEMPTIONS) -> Sequence[Exemption]:
    """Return the exemptions of a file.

    Raises:
        ValueError: when it is not a YAML list of mappings.
    """
    try:
        entries = yaml.safe_load(path.read_text()) or []
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is no YAML: {error}. Correct it.") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path.name} is no list of exemptions. Write '- ' before each, and its keys below.")
    return [Exemption(entry) for entry in entries]
