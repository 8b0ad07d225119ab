"""Which Python runs a program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed.language.interpreter import Interpreter, OptionError


def _environment(root: Path) -> Path:
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    return python


def test_a_relative_environment_starts_at_the_project(tmp_path: Path) -> None:
    python = _environment(tmp_path)
    assert Interpreter.from_options(tmp_path, {"virtualenv": "venv"}).executable == str(python)


def test_an_absolute_environment_stays_where_it_is(tmp_path: Path) -> None:
    python = _environment(tmp_path)
    options = {"virtualenv": str(tmp_path / "venv")}
    assert Interpreter.from_options(Path("/elsewhere"), options).executable == str(python)


def test_the_environment_is_activated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("PYTHONHOME", "/wrong")
    environment = Interpreter.from_options(tmp_path, {"virtualenv": "venv"}).environment()
    assert environment["PATH"] == f"{tmp_path}/venv/bin{os.pathsep}/usr/bin"
    assert environment["VIRTUAL_ENV"] == f"{tmp_path}/venv"
    assert "PYTHONHOME" not in environment


def test_a_missing_environment_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no Python in .*/venv; run `pulumi install`"):
        _ = Interpreter.from_options(tmp_path, {"virtualenv": "venv"}).executable


def test_without_an_environment_the_first_python_on_path_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python3"
    python.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    assert Interpreter.from_options(tmp_path, {}).executable == str(python)


def test_a_named_python_command_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python9")
    with pytest.raises(OptionError, match="no python9 on PATH"):
        _ = Interpreter.from_options(tmp_path, {}).executable


@pytest.mark.parametrize(("option", "value"), [("toolchain", "poetry"), ("typechecker", "mypy"), ("virtualenv", 7.0)])
def test_an_option_that_cannot_be_honoured_is_refused_by_name(tmp_path: Path, option: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{option}: {value!r}"):
        Interpreter.from_options(tmp_path, {option: value})
