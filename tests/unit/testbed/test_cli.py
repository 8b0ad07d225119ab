from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from testbed import cli, existing, operations, status
from testbed.context import Context
from testbed.environment import exports, variables
from testbed.errors import UserError
from testbed.layout import Layout
from testbed.processes import Kind
from testbed.status import Entry

runner = CliRunner()


def test_a_failure_is_one_message_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("port 1 is taken [by] nginx")

    monkeypatch.setattr(operations, "up", fail)
    result = runner.invoke(cli.app, ["up"])
    assert result.exit_code == 1
    assert "error: port 1 is taken [by] nginx" in result.output


def test_a_full_disk_on_the_way_is_a_message_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "/state/x")

    monkeypatch.setattr(operations, "up", fail)
    result = runner.invoke(cli.app, ["up"])
    assert result.exit_code == 1
    assert "No space left on device: '/state/x'" in result.output


def test_wishes_reach_the_operation(monkeypatch: pytest.MonkeyPatch, context: Context) -> None:
    seen: list[operations.Wishes] = []

    def note(_layout: Layout, wishes: operations.Wishes, _progress: object) -> Context:
        seen.append(wishes)
        return context

    monkeypatch.setattr(operations, "up", note)
    arguments = ["up", "--simulated-nodes", "7", "--no-real-node", "--port", "gitlab=9000"]
    assert runner.invoke(cli.app, arguments).exit_code == 0
    assert seen == [operations.Wishes(simulated_nodes=7, real_node=False, ports={"gitlab": 9000})]


@pytest.mark.parametrize("ready", [True, False])
def test_status_ends_with_1_when_something_is_not_ready(monkeypatch: pytest.MonkeyPatch, ready: bool) -> None:
    entry = Entry(name="etcd", kind=Kind.REAL, ready=ready, version="v1", reason="" if ready else "refused")
    monkeypatch.setattr(status, "collect", lambda _: [entry])
    result = runner.invoke(cli.app, ["status", "--json"])
    assert result.exit_code == (0 if ready else 1)
    assert '"kind": "real"' in result.output


def test_exports_are_what_a_shell_understands(context: Context) -> None:
    path = Path("/opt/with space/bin")
    script = (
        f'PATH={shlex.quote(str(path))}:/usr/bin:/bin\n{exports(context)}\nprintf \'%s\\n\' "$PATH" "$GITLAB_BASE_URL"'
    )
    said = subprocess.run(["/bin/bash", "-euc", script], capture_output=True, text=True, check=True, env={}).stdout
    search_path, gitlab = said.splitlines()
    assert search_path.startswith(":".join(map(str, context.tool_directories)))
    assert search_path.endswith(f"{path}:/usr/bin:/bin")
    assert gitlab == "http://127.0.0.1:8929/api/v4/"


def test_the_environment_is_the_same_every_time(context: Context) -> None:
    assert variables(context) == variables(context)


def test_credentials_look_like_what_they_are_and_are_closed_to_others(context: Context) -> None:
    token = context.secret("gitlab-token")
    assert token.startswith("glpat-")
    assert context.secret("redis-password") != token
    assert context.secret_file("gitlab-token").stat().st_mode & 0o777 == 0o600


def test_a_testbed_that_never_was_names_the_command(layout: Layout) -> None:
    with pytest.raises(UserError, match="never brought up; do that with `bighpc testbed up --name paper`"):
        existing.load_context(layout)
