"""How the commands reach GitLab."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from gitops.errors import CommandError

__all__ = ["Connection"]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to call GitLab."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> Connection:
        """Return what GITLAB_BASE_URL (in a job: CI_SERVER_URL) and GITLAB_TOKEN say.

        Raises:
            CommandError: when one of them is not set.
        """
        url = os.environ.get("GITLAB_BASE_URL") or os.environ.get("CI_SERVER_URL")
        token = os.environ.get("GITLAB_TOKEN")
        missing = [name for name, value in (("GITLAB_BASE_URL", url), ("GITLAB_TOKEN", token)) if not value]
        if not url or not token:
            raise CommandError(
                f"not set: {', '.join(missing)}",
                'Run: eval "$(bighpc testbed env)", or export the API\'s address and a token with the scope api.',
            )
        return cls(url=url.rstrip("/").removesuffix("/api/v4"), token=token)
