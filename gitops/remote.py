"""Git against a repository in GitLab, with the commands' own token."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import gitlab
import requests

from gitops.connection import Connection
from gitops.errors import CommandError

__all__ = ["BRING_UP", "RemoteGit", "clone_url"]

BRING_UP: Final = "Bring the forge up first: pulumi up --stack prod"
"""What to do when there is no repository yet."""

_GIT_LIMIT: Final = 120  # seconds


class RemoteGit:
    """Git in one working tree, with the token where neither ``ps`` nor the repository shows it."""

    def __init__(self, tree: Path, url: str, token: str) -> None:
        credentials = base64.b64encode(f"oauth2:{token}".encode()).decode()
        settings = {
            f"http.{url}.extraHeader": f"Authorization: Basic {credentials}",
            "user.name": "bighpc",
            "user.email": "bighpc@localhost",
            # What the user set for commits of their own does not apply here.
            "commit.gpgSign": "false",
            "core.hooksPath": os.devnull,
            "credential.helper": "",
        }
        self._tree = tree
        self._environment: Mapping[str, str] = {
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{index}": key for index, key in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{index}": value for index, value in enumerate(settings.values())},
        }

    def __call__(self, *arguments: str) -> str:
        """Run git and return what it printed.

        Raises:
            CommandError: when it fails, with its reason.
        """
        try:
            done = subprocess.run(
                ("git", *arguments),
                cwd=self._tree,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=_GIT_LIMIT,
                check=False,
            )
        except FileNotFoundError:
            raise CommandError("git is not installed", "Install git with the system's package manager.") from None
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"git {arguments[0]} did not end within {_GIT_LIMIT} s",
                "Look whether GitLab answers, and run it again.",
            ) from None
        if done.returncode:
            reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise CommandError(
                f"git {arguments[0]} failed: {reason}",
                "Look whether the token's user may push to the branch, and run it again.",
            )
        return done.stdout


def clone_url(connection: Connection, path: str) -> str:
    """Return the address of a project's repository.

    Raises:
        CommandError: when GitLab does not answer, or does not show the project.
    """
    client = gitlab.Gitlab(connection.url, private_token=connection.token, timeout=30)
    try:
        return str(client.projects.get(path).http_url_to_repo)
    except gitlab.GitlabAuthenticationError as error:
        raise CommandError(
            f"{connection.url} refuses the token: {error.error_message}",
            "Set GITLAB_TOKEN to a valid token with the scope api.",
        ) from None
    except gitlab.GitlabGetError as error:
        if error.response_code != 404:
            raise CommandError(
                f"{connection.url} answered {error.response_code}: {error.error_message}",
                "Ask the administrator of GitLab.",
            ) from None
        raise CommandError(f"{path} is not there, or the token's user may not see it", BRING_UP) from None
    except (gitlab.GitlabError, requests.RequestException) as error:
        raise CommandError(
            f"{connection.url} does not answer: {error}",
            "Start GitLab (bighpc testbed up), or correct GITLAB_BASE_URL.",
        ) from None
