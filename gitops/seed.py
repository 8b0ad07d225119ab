"""Seeding the repositories that the forge begins with empty.

Each branch of the environment repository gets the applications that it lacks, and keeps what it has. The platform
repository gets the branches that it lacks, each at the checkout's commit.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.remote import BRING_UP, RemoteGit, clone_url

__all__ = ["BRANCHES", "PLATFORM", "REPOSITORY", "SOURCE", "seed", "seed_platform"]

BRANCHES: Final = ("dev", "preview", "prod")
"""The branches of both repositories."""

REPOSITORY: Final = "environments"
"""The environment repository's project."""

PLATFORM: Final = "platform"
"""The platform repository's project."""

SOURCE: Final = Path(__file__).parents[1] / "environments"
"""The manifests in the checkout."""


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
    url = clone_url(connection, path)
    with tempfile.TemporaryDirectory(prefix="bighpc-seed-") as scratch:
        tree = Path(scratch) / "tree"
        tree.mkdir()
        git = RemoteGit(tree, url, connection.token)
        out.print(f"cloning {url}")
        git("clone", "--quiet", "--no-checkout", url, ".")
        _check_branches(git, path)
        for branch in BRANCHES:
            added = _seed_branch(git, tree, source, branch)
            out.print(f"{branch}: pushed {', '.join(added)}" if added else f"{branch}: has everything")


def seed_platform(*, group: str, checkout: Path, connection: Connection, console: Console | None = None) -> None:
    """Push the checkout's commit as each branch that is not there.

    Only what is committed goes there, with its history. Nothing is checked by a pipeline: the environments were brought
    up from this checkout already.

    Args:
        group: the platform's GitLab group.
        checkout: the checkout of the platform's program.
        connection: how to call GitLab.
        console: where progress is shown.

    Raises:
        CommandError: when it cannot, with the reason.
    """
    out = console or Console(stderr=True, highlight=False)
    path = f"{group}/{PLATFORM}"
    out.print(f"platform repository {path}: asking {connection.url}")
    url = clone_url(connection, path)
    git = RemoteGit(checkout, url, connection.token)
    commit = git("rev-parse", "--verify", "HEAD^{commit}").strip()
    listed = git("ls-remote", "--heads", url).split()
    missing = [branch for branch in reversed(BRANCHES) if f"refs/heads/{branch}" not in listed]
    if missing:
        # The default branch first: a repository that was empty is protected as that one is.
        refs = [f"{commit}:refs/heads/{branch}" for branch in missing]
        git("push", "--quiet", "--push-option=ci.skip", url, *refs)
    for branch in BRANCHES:
        out.print(f"{branch}: pushed {commit[:8]}" if branch in missing else f"{branch}: is there")


def _check_branches(git: RemoteGit, path: str) -> None:
    there = git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin").split()
    missing = [branch for branch in BRANCHES if branch not in there]
    if missing:
        raise CommandError(f"{path} has no branch {', '.join(missing)}", BRING_UP)


def _seed_branch(git: RemoteGit, tree: Path, source: Path, branch: str) -> list[str]:
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
