from __future__ import annotations

from pathlib import Path

import pytest

from testbed.files import private_directory, write_private


def test_a_written_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = write_private(tmp_path / "secret", "value")
    assert path.read_text() == "value"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_open_to_others_is_closed_even_when_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("value")
    path.chmod(0o644)
    write_private(path, "value")
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    path = write_private(tmp_path / "config", "same")
    before = path.stat().st_ino
    write_private(path, b"same")
    assert path.stat().st_ino == before


def test_a_failed_write_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_private(tmp_path / "config", "old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.mkdir(mode=0o755)
    assert private_directory(path).stat().st_mode & 0o777 == 0o700
