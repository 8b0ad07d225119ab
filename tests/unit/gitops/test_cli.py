from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gitops import cli
from gitops.errors import CommandError

greet = typer.Typer(help="Greets.")


@greet.command("hello")
def hello() -> None:
    """Say hello."""
    typer.echo("hello from a package")


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=cli.ENTRY_POINTS)


def test_a_package_adds_a_command_by_an_entry_point() -> None:
    app = cli.build_app([entry("greet", "tests.unit.gitops.test_cli:greet")])
    result = CliRunner().invoke(app, ["greet", "hello"])
    assert result.output == "hello from a package\n"


def test_a_command_whose_packages_are_missing_says_so_and_the_others_work() -> None:
    app = cli.build_app([entry("testbed", "no_such_package.cli:app")])
    assert "seed" in CliRunner().invoke(app, ["--help"]).output
    result = CliRunner().invoke(app, ["testbed", "up", "--nodes", "3"])
    assert isinstance(result.exception, CommandError)
    assert "no_such_package" in result.exception.reason
    assert "pip install 'bighpc[testbed]'" in result.exception.remedy


def test_a_syntax_error_in_another_command_stops_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_commands.py").write_text("def broken(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    app = cli.build_app([entry("check", "broken_commands:app")])
    assert CliRunner().invoke(app, ["review", "--help"]).exit_code == 0
    result = CliRunner().invoke(app, ["check", "--stack", "dev"])
    assert isinstance(result.exception, CommandError)
    assert "broken_commands.py, line 1" in result.exception.reason


def test_a_failure_is_a_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bighpc", "seed"])
    monkeypatch.setattr(cli, "entry_points", lambda group: [])
    monkeypatch.delenv("GITLAB_BASE_URL", raising=False)
    monkeypatch.delenv("GITLAB_TOKEN", raising=False)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    shown = capsys.readouterr().err
    assert "error: not set: GITLAB_BASE_URL, GITLAB_TOKEN" in shown
    assert "Traceback" not in shown
