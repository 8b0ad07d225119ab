"""The double goes only where the official language host is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.language import EXECUTABLE, install
from testbed.pulumirpc.launcher import write_launcher

PYTHON = Path("/opt/big hpc/bin/python")


@pytest.fixture(autouse=True)
def _bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "on-path"))


def _official(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    (directory / EXECUTABLE).write_bytes(b"\x7fELF official")
    (directory / EXECUTABLE).chmod(0o755)


def test_the_double_stands_beside_the_engine(tmp_path: Path) -> None:
    install(tmp_path / "bin", PYTHON)
    assert "exec '/opt/big hpc/bin/python' -P -m testbed.language" in (tmp_path / "bin" / EXECUTABLE).read_text()


def test_an_official_host_beside_the_engine_is_left_alone(tmp_path: Path) -> None:
    _official(tmp_path / "bin")
    install(tmp_path / "bin", PYTHON)
    assert (tmp_path / "bin" / EXECUTABLE).read_bytes() == b"\x7fELF official"


def test_the_double_makes_way_for_an_official_host_on_path(tmp_path: Path) -> None:
    install(tmp_path / "bin", PYTHON)
    _official(tmp_path / "on-path")
    for _ in range(2):
        install(tmp_path / "bin", PYTHON)
        assert (tmp_path / "bin" / EXECUTABLE).readlink() == tmp_path / "on-path" / EXECUTABLE


def test_the_double_comes_back_when_the_official_host_is_gone(tmp_path: Path) -> None:
    _official(tmp_path / "on-path")
    install(tmp_path / "bin", PYTHON)
    (tmp_path / "on-path" / EXECUTABLE).unlink()
    install(tmp_path / "bin", PYTHON)
    assert "testbed.language" in (tmp_path / "bin" / EXECUTABLE).read_text()


def test_a_double_of_another_testbed_on_path_is_not_taken_for_the_official_one(tmp_path: Path) -> None:
    write_launcher(tmp_path / "on-path" / EXECUTABLE, PYTHON, "testbed.language")
    install(tmp_path / "bin", PYTHON)
    assert (tmp_path / "bin" / EXECUTABLE).exists()


def test_a_launcher_never_replaces_something_else(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("precious")
    with pytest.raises(FileExistsError, match="move it away"):
        write_launcher(tmp_path / "tool", PYTHON, "testbed.language")
    assert (tmp_path / "tool").read_text() == "precious"
