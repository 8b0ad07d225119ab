"""Which rules look at resources of a type, as JSON for other programs: ``python -m policies.watching STACK TYPE``."""

from __future__ import annotations

import json
import sys

from policies.pack import RULES
from policies.rule import Rule

__all__ = ["watching"]


def watching(stack: str, token: str) -> list[dict[str, str]]:
    """Return name, sentence and level of each rule that looks at resources of a type.

    Args:
        stack: the stack's name, on which the level depends.
        token: Pulumi's name of the type.
    """
    return [
        {"name": rule.name, "rule": rule.invariant.rule, "level": rule.levels.of(stack).value}
        for rule in sorted(RULES, key=lambda rule: rule.name)
        if (rule.concerns(token) if isinstance(rule, Rule) else rule.sees(token))
    ]


if __name__ == "__main__":
    json.dump(watching(*sys.argv[1:]), sys.stdout)
