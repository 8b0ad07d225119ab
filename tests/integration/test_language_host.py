"""The embedded language host under the real engine: programs, policy packs, installation, endings."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.pulumi_workspace import Workspace, create

pytestmark = pytest.mark.integration

COMPONENT = """\
    import pulumi

    class Thing(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("test:index:Thing", name)
            self.register_outputs({})

    Thing("thing")
    pulumi.export("stack", pulumi.get_stack())
    """

PACK = """\
    import pulumi
    from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

    def no_things(args, report):
        if args.resource_type == "test:index:Thing":
            report(f"no things in {pulumi.get_stack()} of {pulumi.get_project()}")

    PolicyPack("pack", policies=[
        ResourceValidationPolicy(name="no-things", description="No things.", validate=no_things,
                                 enforcement_level=EnforcementLevel.MANDATORY),
    ])
    """


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project with one component."""
    return create(tmp_path, COMPONENT)


def _descendants_gone(names: tuple[str, ...], root: Path) -> bool:
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or ())
        if any(name in command for name in names) and str(root) in f"{process.info['cwd']} {command}":
            return False
    return True


def _until(condition: object, what: str, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"waited {limit} s for {what}"
        time.sleep(0.1)


def test_a_program_runs_and_its_output_arrives_without_warnings(workspace: Workspace) -> None:
    workspace.write(COMPONENT + '\n    print("from the program")\n')
    output = workspace.run("up", "--yes", "--skip-preview", "--stack", "dev")
    assert "from the program" in output
    assert 'stack: "dev"' in output
    assert "warning" not in output


def test_a_failing_program_is_reported_once_with_its_own_frames(workspace: Workspace) -> None:
    workspace.write('def broken():\n    raise ValueError("the reason")\n\nbroken()\n')
    output = workspace.run("preview", "--stack", "dev", code=1)
    assert "ValueError: the reason" in output
    assert "in broken" in output
    assert "runpy" not in output
    assert "program.py" not in output
    assert "non-zero exit code" not in output


def test_an_error_in_the_syntax_is_shown_at_its_place(workspace: Workspace) -> None:
    workspace.write("import pulumi\nif True\n")
    output = workspace.run("preview", "--stack", "dev", code=1)
    assert "if True" in output
    assert "__main__.py" in output
    assert "runpy" not in output
    assert "program.py" not in output


def test_a_run_error_is_a_sentence_without_a_traceback(workspace: Workspace) -> None:
    workspace.write('import pulumi\nraise pulumi.RunError("bring prod up first")\n')
    output = workspace.run("preview", "--stack", "dev", code=1)
    assert "bring prod up first" in output
    assert "Traceback" not in output


def test_an_exit_code_is_named(workspace: Workspace) -> None:
    workspace.write("import sys\nsys.exit(3)\n")
    assert "exit code: 3" in workspace.run("preview", "--stack", "dev", code=1)


def test_a_missing_environment_is_named_with_the_remedy(workspace: Workspace) -> None:
    workspace.write("name: test\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n", "Pulumi.yaml")
    output = workspace.run("preview", "--stack", "dev", code=1)
    assert "project/venv" in output
    assert "pulumi install" in output


def test_install_makes_the_environment_and_reports_its_failure(workspace: Workspace) -> None:
    workspace.write("name: test\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n", "Pulumi.yaml")
    workspace.write("", "requirements.txt")
    assert "Creating virtual environment" in workspace.run("install")
    assert (workspace.directory / "venv" / "bin" / "python").exists()
    workspace.write("./no-such-package\n", "requirements.txt")
    assert "no-such-package" in workspace.run("install", code=1)


def test_a_policy_pack_knows_its_stack_and_stops_a_preview(workspace: Workspace) -> None:
    workspace.write(
        (workspace.directory / "Pulumi.yaml").read_text().replace("name: test\n", ""), "pack/PulumiPolicy.yaml"
    )
    workspace.write(PACK, "pack/__main__.py")
    output = workspace.run("preview", "--stack", "dev", "--policy-pack", "pack", code=1)
    assert "no things in dev of test" in output
    assert "[mandatory]" in output
    assert "Traceback" not in output
    assert "goaway" not in output.lower()


def test_a_broken_policy_pack_is_reported_with_its_reason(workspace: Workspace) -> None:
    workspace.write(
        (workspace.directory / "Pulumi.yaml").read_text().replace("name: test\n", ""), "pack/PulumiPolicy.yaml"
    )
    workspace.write('raise ValueError("the pack is broken")\n', "pack/__main__.py")
    output = workspace.run("preview", "--stack", "dev", "--policy-pack", "pack", code=1)
    assert "the pack is broken" in output
    assert "the policy pack has ended" in output


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda ending: ending.name)
def test_nothing_is_left_of_an_interrupted_update(workspace: Workspace, ending: signal.Signals) -> None:
    started = workspace.directory / "started"
    workspace.write(f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(300)\n")
    process = workspace.start("up", "--yes", "--skip-preview", "--stack", "dev")
    _until(started.exists, "the program to run")
    os.kill(process.pid, ending)
    output, _ = process.communicate(timeout=30)
    assert "Traceback" not in output
    _until(lambda: _descendants_gone(("program.py", "testbed.language"), workspace.directory), "the processes to end")
