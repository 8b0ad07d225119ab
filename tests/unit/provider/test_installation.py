"""The double goes only where the published plugin is missing."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from testbed.provider.installation import EXECUTABLE, install

PYTHON = Path("/opt/bighpc/bin/python")


@pytest.fixture(autouse=True)
def _bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "on-path"))
    monkeypatch.setenv("HOME", str(tmp_path))


def _double(plugins: Path) -> Path:
    return plugins / f"resource-gitlab-v{version('pulumi-gitlab')}" / EXECUTABLE


def _published(directory: Path) -> Path:
    directory.mkdir(parents=True)
    path = directory / EXECUTABLE
    path.write_bytes(b"\x7fELF published")
    path.chmod(0o755)
    return path


def test_the_double_takes_the_place_that_the_sdk_asks_for(tmp_path: Path) -> None:
    install(tmp_path, PYTHON)
    double = _double(tmp_path)
    assert os.access(double, os.X_OK)
    assert f"exec {PYTHON} -P -m testbed.provider" in double.read_text()


def test_installing_again_follows_a_moved_interpreter(tmp_path: Path) -> None:
    install(tmp_path, PYTHON)
    install(tmp_path, Path("/elsewhere/bin/python"))
    assert "/elsewhere/bin/python" in _double(tmp_path).read_text()


def test_a_published_plugin_in_its_place_is_left_alone(tmp_path: Path) -> None:
    published = _published(_double(tmp_path).parent)
    install(tmp_path, PYTHON)
    assert published.read_bytes() == b"\x7fELF published"


def test_the_double_makes_way_for_a_published_plugin_on_path(tmp_path: Path) -> None:
    install(tmp_path / "plugins", PYTHON)
    _published(tmp_path / "on-path")
    install(tmp_path / "plugins", PYTHON)
    assert _double(tmp_path / "plugins").readlink() == tmp_path / "on-path" / EXECUTABLE


def test_the_double_makes_way_for_one_of_the_users_own_plugins(tmp_path: Path) -> None:
    install(tmp_path / "plugins", PYTHON)
    published = _published(tmp_path / ".pulumi" / "plugins" / _double(tmp_path).parent.name)
    install(tmp_path / "plugins", PYTHON)
    assert _double(tmp_path / "plugins").readlink() == published
