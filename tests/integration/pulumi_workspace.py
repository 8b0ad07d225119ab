"""A Pulumi project in a directory of the test's own, run by the real engine with state in a file."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from testbed import language, toolchain
from testbed.provider.installation import install as install_provider

__all__ = ["Workspace", "create", "pulumi"]

_LIMIT = 180  # seconds for one command


def pulumi() -> Path:
    """The engine: the testbed's, else the one on PATH."""
    tools = toolchain.installed()
    found = str(tools.path("pulumi")) if tools else shutil.which("pulumi")
    if found is None:
        pytest.fail("no pulumi: run `bighpc testbed up` once, which builds it, or put it on PATH")
    return Path(found).resolve()


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The project and the environment that its commands run in."""

    directory: Path
    environment: Mapping[str, str]

    def write(self, program: str, name: str = "__main__.py") -> None:
        """Replace a file of the project."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(program))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end and return what it printed."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert process.returncode == code, f"pulumi {' '.join(arguments)} ended with {process.returncode}:\n{output}"
        return output


def create(root: Path, program: str, environment: Mapping[str, str] | None = None) -> Workspace:
    """A project with a stack ``dev`` in ``root``; the doubles are installed as in a testbed."""
    tools = root / "bin"
    tools.mkdir(parents=True)
    # The engine looks for its language hosts beside its real path: a link would send it elsewhere.
    try:
        os.link(pulumi(), tools / "pulumi")
    except OSError:
        shutil.copy2(pulumi(), tools / "pulumi")
    python = Path(sys.executable)
    language.install(tools, python)
    install_provider(root / "home" / "plugins", python)
    own = {
        "PATH": os.pathsep.join([str(tools), str(python.parent), os.defpath]),
        "PULUMI_HOME": str(root / "home"),
        "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "only a test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    (root / "state").mkdir()
    project = Workspace(directory=root / "project", environment={**os.environ, **own, **(environment or {})})
    project.write(
        f"""\
        name: test
        runtime:
          name: python
          options:
            virtualenv: {python.parent.parent}
        """,
        "Pulumi.yaml",
    )
    project.write(program)
    project.run("stack", "init", "dev")
    return project
