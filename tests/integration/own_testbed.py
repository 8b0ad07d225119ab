"""A testbed of the test run's own, beside whatever else runs on the machine, that ends with the run however that ends.

A guardian process holds the other end of a pipe: when the run ends, even by SIGKILL, the pipe breaks and the guardian
removes the testbed. ``python -m tests.integration.own_testbed NAME`` is that guardian.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab

from testbed.context import Context
from testbed.existing import load_context
from testbed.layout import Layout

__all__ = ["BIGHPC", "OwnTestbed", "own_testbed"]

BIGHPC = Path(sys.prefix) / "bin" / "bighpc"
"""The command that people use, of this virtual environment."""

_REMOVAL_LIMIT = 300.0


@dataclass(frozen=True, kw_only=True)
class OwnTestbed:
    """One testbed, driven through the command that people use."""

    name: str
    environment: Mapping[str, str]
    """What its commands run in; finds this testbed and no other."""

    @property
    def layout(self) -> Layout:
        """Its files."""
        return Layout(name=self.name)

    @property
    def context(self) -> Context:
        """Its addresses, ports and credentials, once it was brought up."""
        return load_context(self.layout)

    def start(self, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start ``bighpc testbed ...`` on it."""
        command = [*prefix, str(BIGHPC), "testbed", *arguments, "--name", self.name]
        return subprocess.Popen(
            command, env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *arguments: str, prefix: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run ``bighpc testbed ...`` on it; returns the exit code and everything it printed."""
        with self.start(*arguments, prefix=prefix) as process:
            said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def up(self, *arguments: str) -> str:
        """Bring it up, or fail with what that printed."""
        code, said = self.run("up", *arguments)
        assert code == 0, said
        return said

    def deploy(self) -> str:
        """Bring the platform's stacks up on it, and it first where that is needed, or fail with what that printed."""
        if self.unready():
            self.up()
        code, said = self.run("deploy")
        assert code == 0, said
        return said

    def forge(self) -> gitlab.Gitlab:
        """A client of its GitLab, as the platform's bot; to be closed."""
        context = self.context
        return gitlab.Gitlab(
            f"http://127.0.0.1:{context.ports['gitlab']}", private_token=context.secret("gitlab-token")
        )

    def status(self) -> dict[str, dict[str, Any]]:
        """What ``status --json`` says, by name."""
        _, said = self.run("status", "--json")
        return {entry["name"]: entry for entry in json.loads(said)}

    def unready(self) -> dict[str, str]:
        """Names of parts that are not ready, with the reasons."""
        return {name: entry["reason"] for name, entry in self.status().items() if not entry["ready"]}


@contextmanager
def own_testbed(suffix: str = "") -> Iterator[OwnTestbed]:
    """A testbed that was never up yet, removed afterwards with all that belongs to it."""
    name = f"t{os.getpid()}{suffix}"
    state = tempfile.mkdtemp(prefix="bighpc-test-")
    environment = {**os.environ, "BIGHPC_STATE": state}
    guardian = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.own_testbed", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,  # A Ctrl-C for the run is not one for its guardian.
    )
    before = os.environ.get("BIGHPC_STATE")
    os.environ["BIGHPC_STATE"] = state
    try:
        yield OwnTestbed(name=name, environment=environment)
    finally:
        if before is None:
            del os.environ["BIGHPC_STATE"]
        else:
            os.environ["BIGHPC_STATE"] = before
        said, _ = guardian.communicate(timeout=_REMOVAL_LIMIT + 60)
        assert guardian.returncode == 0, f"the testbed of this run could not be removed:\n{said}"


def _guard(name: str) -> int:
    """Wait for the end of the run, then remove its testbed."""
    sys.stdin.read()
    state = Path(os.environ["BIGHPC_STATE"])
    deadline = time.monotonic() + _REMOVAL_LIMIT
    while Layout(name=name).root.exists():
        command = [str(BIGHPC), "testbed", "down", "--purge", "--name", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # A bring-up that has lost its terminal may still hold the testbed for a while.
        if done.returncode != 0:
            if time.monotonic() > deadline:
                sys.stdout.write(done.stdout + done.stderr)
                return 1
            time.sleep(2)
    shutil.rmtree(state, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1]))
