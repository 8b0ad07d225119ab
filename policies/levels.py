"""How strictly a rule is enforced, per environment."""

from __future__ import annotations

from typing import Final, NamedTuple

from pulumi_policy import EnforcementLevel

__all__ = ["ADVICE", "EVERYWHERE", "IN_PRODUCTION", "PRODUCTION", "REPAIRED", "Levels", "is_weaker"]

PRODUCTION: Final = "prod"


class Levels(NamedTuple):
    """The enforcement level in each environment."""

    dev: EnforcementLevel
    preview: EnforcementLevel
    prod: EnforcementLevel

    def of(self, environment: str) -> EnforcementLevel:
        """Return the level of an environment; a stack of another name is judged as production is."""
        level: EnforcementLevel = getattr(self, environment) if environment in self._fields else self.prod
        return level


EVERYWHERE: Final = Levels(*[EnforcementLevel.MANDATORY] * 3)
"""Stops every update."""

IN_PRODUCTION: Final = Levels(EnforcementLevel.ADVISORY, EnforcementLevel.ADVISORY, EnforcementLevel.MANDATORY)
"""Stops an update of production, and says so before."""

ADVICE: Final = Levels(*[EnforcementLevel.ADVISORY] * 3)
"""Stops nothing."""

REPAIRED: Final = Levels(*[EnforcementLevel.REMEDIATE] * 3)
"""Is put right where the right value is certain, and otherwise stops every update."""

_STRENGTH: Final = {
    EnforcementLevel.DISABLED: 0,
    EnforcementLevel.ADVISORY: 1,
    EnforcementLevel.REMEDIATE: 2,
    EnforcementLevel.MANDATORY: 2,
}


def is_weaker(level: EnforcementLevel, than: EnforcementLevel) -> bool:
    """Whether a level lets through what the other does not."""
    return _STRENGTH[level] < _STRENGTH[than]
