"""The parts of a running double that endpoints work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from testbed.gitlab.repositories.storage import Storage
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Database

__all__ = ["Courier", "Expander", "Forge", "Planner"]


class Courier(Protocol):
    """Delivers web hooks in the background."""

    def wake(self) -> None:
        """Look at the queue now. Callable from any thread."""

    async def run(self) -> None:
        """Deliver until cancelled."""


class Planner(Protocol):
    """Compiles pipelines, and starts what is due, in the background."""

    def wake(self) -> None:
        """Look for work now. Callable from any thread."""

    async def run(self, forge: Forge) -> None:
        """Work until cancelled."""


class Expander(Protocol):
    """Expands configurations of pipelines."""

    def expand(self, document: dict[str, Any]) -> dict[str, Any]:
        """A configuration without ``extends``, ``!reference`` and ``default``."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """One double: settings, database, repositories, and what works in the background."""

    settings: Settings
    database: Database
    storage: Storage
    courier: Courier
    planner: Planner
    expander: Expander

    def url(self, *parts: str) -> str:
        """An address below the external URL."""
        return "/".join([self.settings.external_url, *parts])

    def api_url(self, *parts: object) -> str:
        """An address below the REST API."""
        return self.url("api/v4", *(str(part) for part in parts))
