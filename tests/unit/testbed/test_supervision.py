from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from testbed.errors import UserError
from testbed.host.supervision import MARKER, Supervisor, base_environment, render
from testbed.layout import Layout
from testbed.processes import Process


def process(name: str = "sleeper", *, script: str = "import time; time.sleep(300)", **settings: object) -> Process:
    return Process(
        name=name,
        command=(sys.executable, "-c", script),
        version="v1",
        probe=lambda: None,
        **settings,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def shared_layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """Starting and ending a supervisor takes seconds: most tests share one, and its testbed."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("supervision")
        patch.setenv("BIGHPC_STATE", str(root / "state"))
        patch.setattr(Layout, "run", root / "run")
        yield Layout(name="shared")


@pytest.fixture(scope="module")
def shared_supervisor(shared_layout: Layout) -> Iterator[Supervisor]:
    supervisor = Supervisor(shared_layout)
    yield supervisor
    supervisor.shutdown()


@pytest.fixture(scope="module")
def environment(shared_layout: Layout) -> dict[str, str]:
    return base_environment(shared_layout, search_path=os.environ["PATH"], cluster="10.222.0.0/16")


@pytest.fixture
def supervisor(shared_supervisor: Supervisor, environment: dict[str, str]) -> Iterator[Supervisor]:
    yield shared_supervisor
    if shared_supervisor.alive():
        shared_supervisor.configure([], environment)


def wait_for(supervisor: Supervisor, name: str) -> psutil.Process:
    for _ in range(200):
        pid = supervisor.states()[name].pid
        # Between fork and exec it is still supervisord, which ignores the signals meant for it; then it is nobody.
        if pid is not None:
            found = psutil.Process(pid)
            if "supervisor.supervisord" not in found.cmdline() and MARKER in found.environ():
                return found
        time.sleep(0.02)
    raise AssertionError(f"{name} did not start: {supervisor.states()[name]}")


def test_started_processes_carry_the_marker_and_their_own_environment(
    supervisor: Supervisor, environment: dict[str, str], shared_layout: Layout
) -> None:
    tricky = {"PERCENT": "50%", "QUOTES": 'say "hi" now', "COMMA": "a,b=c"}
    supervisor.configure([process(environment=tricky)], environment)
    supervisor.start("sleeper")
    seen = wait_for(supervisor, "sleeper").environ()
    assert {name: seen[name] for name in (MARKER, *tricky)} == {MARKER: str(shared_layout.root), **tricky}


def test_a_killed_process_is_started_again(supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.configure([process()], environment)
    supervisor.start("sleeper")
    first = wait_for(supervisor, "sleeper")
    first.kill()
    for _ in range(300):
        pid = supervisor.states()["sleeper"].pid
        if pid not in {None, first.pid}:
            return
        time.sleep(0.02)
    pytest.fail("nothing took its place")


def test_configuring_again_keeps_what_has_not_changed(supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.configure([process()], environment)
    supervisor.start("sleeper")
    first = wait_for(supervisor, "sleeper").pid
    supervisor.configure([process(), process("second")], environment)
    states = supervisor.states()
    assert (states["sleeper"].pid, states["second"].state) == (first, "STOPPED")


def test_a_changed_configuration_file_stops_the_process_to_be_started_anew(
    supervisor: Supervisor, environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("old")
    supervisor.configure([process(files=(config,))], environment)
    supervisor.start("sleeper")
    first = wait_for(supervisor, "sleeper")
    config.write_text("new")
    supervisor.configure([process(files=(config,))], environment)
    assert not first.is_running()
    assert supervisor.states()["sleeper"].state == "STOPPED"


def test_a_process_that_is_no_longer_wanted_ends(supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.configure([process(), process("other")], environment)
    supervisor.start("other")
    other = wait_for(supervisor, "other")
    supervisor.configure([process()], environment)
    assert not other.is_running()
    assert list(supervisor.states()) == ["sleeper"]


def test_shutdown_ends_everything(supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.configure([process()], environment)
    supervisor.start("sleeper")
    sleeper = wait_for(supervisor, "sleeper")
    supervisor.shutdown()
    assert not sleeper.is_running()
    assert not supervisor.alive()
    assert supervisor.states() == {}


def test_a_stale_pid_file_is_not_taken_for_a_supervisor(layout: Layout) -> None:
    layout.run.mkdir(parents=True)
    (layout.run / "supervisord.pid").write_text(str(os.getpid()))
    assert Supervisor(layout).pid is None, "this process is alive but not our supervisor"


def test_an_unknown_process_cannot_be_started(supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.configure([process()], environment)
    with pytest.raises(UserError, match="ghost cannot be started"):
        supervisor.start("ghost")


@pytest.mark.parametrize("argument", ["a ; b", "a # b", "two\nlines"])
def test_an_argument_that_supervisord_would_misread_is_refused(layout: Layout, argument: str) -> None:
    with pytest.raises(ValueError, match="no line breaks"):
        render(layout, [process(script=argument)])


@pytest.mark.parametrize("value", ["'mixed\"", '"outermost"'])
def test_an_environment_value_that_cannot_be_quoted_is_refused(layout: Layout, value: str) -> None:
    with pytest.raises(ValueError, match="quotes"):
        render(layout, [process(environment={"X": value})])


def test_processes_inherit_little_of_the_caller(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "hush")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    environment = base_environment(layout, search_path="/bin", cluster="10.222.0.0/16")
    assert "hush" not in environment.values()
    assert environment["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert environment["NO_PROXY"].startswith("intranet.example,127.0.0.1,")
    assert "10.222.0.0/16" in environment["NO_PROXY"]
