"""Seeding the environment repository: each branch gets the applications that it lacks, and keeps what it has."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import gitlab
import requests
from rich.console import Console

from gitops.connection import Connection
from gitops.errors import CommandError

__all__ = ["BRANCHES", "REPOSITORY", "SOURCE", "seed"]

BRANCHES: Final = ("dev", "preview", "prod")
"""The branches of the environment repository."""

REPOSITORY: Final = "environments"
"""The environment repository's project."""

SOURCE: Final = Path(__file__).parents[1] / "environments"
"""The manifests in the checkout."""

_GIT_LIMIT: Final = 120  # seconds
_BRING_UP: Final = "Bring the forge up first: pulumi up --stack prod"


class _Git:
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


def seed(*, group: str, source: Path, connection: Connection, console: Console | None = None) -> None:
    """Push what each branch lacks.

    Args:
        group: the platform's GitLab group.
        source: the manifests.
        connection: how to call GitLab.
        console: where progress is shown.

    Raises:
        CommandError: when it cannot, with the reason.
    """
    out = console or Console(stderr=True, highlight=False)
    if not (source / "applications").is_dir():
        raise CommandError(f"{source} has no directory 'applications'", "Name the manifests with --source <directory>.")
    path = f"{group}/{REPOSITORY}"
    out.print(f"environment repository {path}: asking {connection.url}")
    url = _clone_url(connection, path)
    with tempfile.TemporaryDirectory(prefix="bighpc-seed-") as scratch:
        tree = Path(scratch) / "tree"
        tree.mkdir()
        git = _Git(tree, url, connection.token)
        out.print(f"cloning {url}")
        git("clone", "--quiet", "--no-checkout", url, ".")
        _check_branches(git, path)
        for branch in BRANCHES:
            added = _seed_branch(git, tree, source, branch)
            out.print(f"{branch}: pushed {', '.join(added)}" if added else f"{branch}: has everything")


def _clone_url(connection: Connection, path: str) -> str:
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
        raise CommandError(f"{path} is not there, or the token's user may not see it", _BRING_UP) from None
    except (gitlab.GitlabError, requests.RequestException) as error:
        raise CommandError(
            f"{connection.url} does not answer: {error}",
            "Start GitLab (bighpc testbed up), or correct GITLAB_BASE_URL.",
        ) from None


def _check_branches(git: _Git, path: str) -> None:
    there = git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin").split()
    missing = [branch for branch in BRANCHES if branch not in there]
    if missing:
        raise CommandError(f"{path} has no branch {', '.join(missing)}", _BRING_UP)


def _seed_branch(git: _Git, tree: Path, source: Path, branch: str) -> list[str]:
    git("checkout", "--quiet", "--force", "-B", branch, f"origin/{branch}")
    added = [part.as_posix() for part in _parts(source) if not (tree / part).exists()]
    for part in added:
        origin, target = source / part, tree / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target)
        else:
            shutil.copy2(origin, target)
    if added:
        git("add", "--", *added)
        git("commit", "--quiet", "--message", f"Seed {', '.join(added)}")
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return added


def _parts(source: Path) -> list[Path]:
    """Return what is seeded as a whole: each application, and each file beside them.

    A file that an application's owners deleted must not come back, so applications are not looked into.
    """
    applications = sorted(path for path in (source / "applications").iterdir() if path.is_dir())
    files = sorted(path for path in source.iterdir() if path.is_file())
    return [path.relative_to(source) for path in (*files, *applications)]
