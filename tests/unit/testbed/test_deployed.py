"""When the stacks need not be brought up again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.context import Context
from testbed.deployed import fingerprint, is_same, remember


@pytest.fixture
def checkout(tmp_path: Path, context: Context) -> Path:
    """A program under version control, and a state of its stack."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    (directory / "__main__.py").write_text("print()")
    (directory / ".gitignore").write_text("ignored\n")
    git(directory, "init", "--quiet")
    git(directory, "add", ".")
    commit(directory)
    state(context).parent.mkdir(parents=True)
    state(context).write_text("{}")
    return directory


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", directory, *identity, *arguments], check=True)


def commit(directory: Path) -> None:
    git(directory, "commit", "--quiet", "--allow-empty", "--message=test")


def state(context: Context) -> Path:
    return context.layout.data / "pulumi" / ".pulumi" / "stacks" / "bighpc" / "dev.json"


def test_the_same_again_is_known(context: Context, checkout: Path) -> None:
    found = fingerprint(context, {"A": "1"}, checkout)
    assert not is_same(context, found), "nothing is remembered yet"
    remember(context, found)
    assert is_same(context, fingerprint(context, {"A": "1"}, checkout))


def test_a_file_that_git_ignores_makes_no_difference(context: Context, checkout: Path) -> None:
    remember(context, fingerprint(context, {}, checkout))
    (checkout / "ignored").write_text("anything")
    assert is_same(context, fingerprint(context, {}, checkout))


@pytest.mark.parametrize(
    "change",
    [
        lambda checkout, context: (checkout / "__main__.py").write_text("print(1)"),
        lambda checkout, context: (checkout / "__main__.py").unlink(),
        lambda checkout, context: (checkout / "new.py").write_text(""),
        lambda checkout, context: commit(checkout),
        lambda checkout, context: state(context).write_text('{"version": 3}'),
        lambda checkout, context: state(context).with_name("prod.json").write_text("{}"),
    ],
    ids=["edited", "deleted", "new file", "new commit", "state updated", "another stack"],
)
def test_whatever_an_update_could_see_makes_a_difference(
    context: Context, checkout: Path, change: Callable[[Path, Context], object]
) -> None:
    remember(context, fingerprint(context, {}, checkout))
    change(checkout, context)
    assert not is_same(context, fingerprint(context, {}, checkout))


def test_another_environment_makes_a_difference(context: Context, checkout: Path) -> None:
    remember(context, fingerprint(context, {"GITLAB_TOKEN": "a"}, checkout))
    assert not is_same(context, fingerprint(context, {"GITLAB_TOKEN": "b"}, checkout))


def test_without_version_control_nothing_is_ever_the_same(context: Context, tmp_path: Path) -> None:
    (tmp_path / "unversioned").mkdir()
    found = fingerprint(context, {}, tmp_path / "unversioned")
    assert found is None
    context.layout.data.mkdir(parents=True, exist_ok=True)
    remember(context, found)
    assert not is_same(context, found)
