"""The rules of the pack, and the policies that they become in an environment."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policies import rules
from policies.exemptions import load_exemptions
from policies.rule import Circumstances, Rule
from policies.stack_rule import StackRule

__all__ = ["NAME", "RULES", "circumstances", "policies"]

NAME: Final = "bighpc"

RULES: Final[tuple[Rule | StackRule, ...]] = tuple(
    import_module(f"{rules.__name__}.{each.name}").RULE for each in iter_modules(rules.__path__)
)
"""Every rule of the folder, so that none is forgotten."""


def circumstances(environment: str) -> Circumstances:
    """Return where and when the rules judge: today, with the exemptions of the file.

    Raises:
        ValueError: when the file of exemptions is not what it should be.
    """
    return Circumstances(
        environment=environment,
        today=datetime.now(UTC).date(),
        exemptions=load_exemptions(),
        rules=frozenset(rule.name for rule in RULES),
    )


def policies(here: Circumstances) -> list[ResourceValidationPolicy | StackValidationPolicy]:
    """Return what the engine runs."""
    return [rule.policy(here) for rule in RULES]
