"""The parts of a running double that endpoints work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from testbed.gitlab.repositories.storage import Storage
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Database

__all__ = ["Courier", "Forge"]


class Courier(Protocol):
    """Delivers web hooks in the background."""

    def wake(self) -> None:
        """Look at the queue now. Callable from any thread."""

    async def run(self) -> None:
        """Deliver until cancelled."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """One double: settings, database, repositories, courier."""

    settings: Settings
    database: Database
    storage: Storage
    courier: Courier

    def url(self, *parts: str) -> str:
        """An address below the external URL."""
        return "/".join([self.settings.external_url, *parts])

    def api_url(self, *parts: object) -> str:
        """An address below the REST API."""
        return self.url("api/v4", *(str(part) for part in parts))
