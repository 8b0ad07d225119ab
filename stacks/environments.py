"""The environments: one table of what belongs together."""

from __future__ import annotations

from enum import StrEnum, unique

__all__ = ["Environment"]


@unique
class Environment(StrEnum):
    """An environment; its value is also its branch's and its stack's name."""

    DEV = "dev"
    PREVIEW = "preview"
    PROD = "prod"

    @property
    def branch(self) -> str:
        """The branch of the platform repository and of the environment repository that drives it."""
        return self.value

    @property
    def stack(self) -> str:
        """Its Pulumi stack."""
        return self.value

    @property
    def namespace(self) -> str:
        """Where its applications run."""
        return f"bighpc-{self.value}"

    @property
    def tier(self) -> str:
        """GitLab's deployment tier."""
        return {"dev": "development", "preview": "staging", "prod": "production"}[self.value]
