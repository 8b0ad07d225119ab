"""Runs the platform's stacks on a testbed, with the ``pulumi`` command that people use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from testbed.commands import run
from testbed.errors import UserError
from testbed.files import write_private

__all__ = ["CHECKOUT", "ORDER", "create_missing", "stack_file", "up", "without_salt"]

CHECKOUT = Path(__file__).parent.parent
"""The program: the directory with Pulumi.yaml."""

ORDER = ("prod", "preview", "dev")
"""The stack that owns the forge first; the others look it up."""

_QUIET = {"same", "read"}

_CALM = ("--non-interactive",)


def stack_file(stack_name: str) -> Path:
    """The stack's configuration in the checkout."""
    return CHECKOUT / f"Pulumi.{stack_name}.yaml"


def without_salt(content: str) -> str:
    """A stack file's content without the salt of some passphrase."""
    return re.sub(r"^encryptionsalt:.*\n?", "", content, flags=re.MULTILINE)


def create_missing(environment: Mapping[str, str]) -> None:
    """Make the stacks that are not in the state backend yet.

    From a copy of the project file: the engine writes the salt of the testbed's passphrase into the stack file beside
    it, and the checkout's stack files are data for every machine.
    """
    listed = run("pulumi", "stack", "ls", "--all", "--json", *_CALM, directory=CHECKOUT, environment=environment)
    present = {stack["name"] for stack in json.loads(listed)}
    with tempfile.TemporaryDirectory(prefix="bighpc-stack-") as directory:
        shutil.copy(CHECKOUT / "Pulumi.yaml", directory)
        for name in ORDER:
            if name not in present:
                init = ("pulumi", "stack", "init", name, "--no-select", *_CALM)
                run(*init, directory=Path(directory), environment=environment)


def up(stack_name: str, environment: Mapping[str, str], files: Path, detail: Callable[[str], None]) -> None:
    """Bring one stack up.

    Args:
        stack_name: the stack.
        environment: what ``bighpc testbed env`` exports.
        files: a directory of the testbed's for its copies of the stack files, as the engine writes the salt there.
        detail: gets what the engine is doing.

    Raises:
        UserError: with the engine's own words when the update fails.
    """
    name = stack_file(stack_name).name
    file = write_private(files / name, without_salt(stack_file(stack_name).read_text()))
    command = ["pulumi", "up", f"--stack={stack_name}", f"--config-file={file}", "--yes", "--skip-preview", "--json"]
    errors: list[str] = []
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [*command, *_CALM],
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            _follow(line, detail, errors)
        process.wait()
        complaints.seek(0)
        if process.returncode != 0:
            raise UserError(f"pulumi up --stack {stack_name} failed:\n{''.join(errors) or complaints.read()}".rstrip())


def _follow(line: str, detail: Callable[[str], None], errors: list[str]) -> None:
    """Take one line of the engine's event stream."""
    try:
        event = json.loads(line)
    except ValueError:
        errors.append(line)
        return
    if "resourcePreEvent" in event:
        metadata = event["resourcePreEvent"]["metadata"]
        if metadata["op"] not in _QUIET:
            detail(f"{metadata['op']} {metadata['type']} {metadata['urn'].rsplit('::', 1)[-1]}")
    elif event.get("diagnosticEvent", {}).get("severity") == "error":
        errors.append(event["diagnosticEvent"]["message"])
