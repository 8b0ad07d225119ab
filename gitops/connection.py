"""How the commands reach GitLab."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import gitlab
import requests
from gitlab.v4.objects import Project

from gitops.errors import CommandError

__all__ = ["Connection", "gitlab_asked"]

_TIMEOUT_S: Final = 30


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
        return cls._of(os.environ.get("GITLAB_TOKEN"))

    @classmethod
    def for_telling(cls) -> Connection:
        """Return how to write notes, statuses and issues: with REVIEW_TOKEN where GITLAB_TOKEN may only read.

        Raises:
            CommandError: as `from_environment`.
        """
        return cls._of(os.environ.get("REVIEW_TOKEN") or os.environ.get("GITLAB_TOKEN"))

    @classmethod
    def _of(cls, token: str | None) -> Connection:
        url = os.environ.get("GITLAB_BASE_URL") or os.environ.get("CI_SERVER_URL")
        missing = [name for name, value in (("GITLAB_BASE_URL", url), ("GITLAB_TOKEN", token)) if not value]
        if not url or not token:
            raise CommandError(
                f"not set: {', '.join(missing)}",
                'Run: eval "$(bighpc testbed env)", or export the API\'s address and a token with the scope api.',
            )
        return cls(url=url.rstrip("/").removesuffix("/api/v4"), token=token)

    def client(self) -> gitlab.Gitlab:
        """Return a client that tries again when GitLab is busy."""
        return gitlab.Gitlab(self.url, private_token=self.token, timeout=_TIMEOUT_S, retry_transient_errors=True)

    def project(self, reference: str) -> Project:
        """Return a project by number or path.

        Raises:
            CommandError: when GitLab does not answer or does not show it.
        """
        try:
            return self.client().projects.get(reference)
        except gitlab.GitlabError as error:
            raise CommandError(
                f"{self.url} answered {error.response_code} for project {reference}: {error.error_message}",
                "Look whether the project's name is right, and GITLAB_TOKEN is valid and has the scope api.",
            ) from None
        except requests.RequestException as error:
            raise CommandError(
                f"{self.url} does not answer: {error}", "Look whether GitLab runs and GITLAB_BASE_URL is right."
            ) from None


@contextmanager
def gitlab_asked(asked: str, remedy: str, *, later: str = "Run it again when it does.") -> Iterator[None]:
    """Turn what goes wrong between GitLab and us into a sentence.

    Args:
        asked: what GitLab was asked, after "GitLab answered 403".
        remedy: what to do when it refuses.
        later: what to do when it does not answer.

    Raises:
        CommandError: instead of GitLab's and the network's own errors.
    """
    try:
        yield
    except gitlab.GitlabError as error:
        raise CommandError(f"GitLab answered {error.response_code} {asked}: {error.error_message}", remedy) from None
    except requests.RequestException as error:
        raise CommandError(f"GitLab does not answer: {error}", later) from None
