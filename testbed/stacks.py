"""Runs the platform's stacks on a testbed, through Pulumi's Automation API."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pulumi import automation
from pulumi.automation import CommandError, EngineEvent, LocalWorkspaceOptions, OpType

from testbed.errors import UserError
from testbed.progress import Progress

__all__ = ["CHECKOUT", "ORDER", "stack_file", "up", "without_salt"]

CHECKOUT = Path(__file__).parent.parent
"""The program: the directory with Pulumi.yaml."""

ORDER = ("prod", "preview", "dev")
"""The stack that owns the forge first; the others look it up."""

_QUIET = {OpType.SAME, OpType.READ}


def stack_file(stack_name: str) -> Path:
    """The stack's configuration in the checkout."""
    return CHECKOUT / f"Pulumi.{stack_name}.yaml"


def without_salt(content: str) -> str:
    """A stack file's content without the salt of some passphrase."""
    return re.sub(r"^encryptionsalt:.*\n?", "", content, flags=re.MULTILINE)


def up(stack_name: str, environment: Mapping[str, str], files: Path, progress: Progress) -> Counter[str]:
    """Bring one stack up and report what it changes while it does.

    Args:
        stack_name: the stack, which is created when it is not there yet.
        environment: what ``bighpc testbed env`` exports.
        files: a directory of the testbed's for its copies of the stack files: the engine writes the salt of the
            testbed's passphrase into the file it reads, and the checkout's are data for every machine.
        progress: gets the step.

    Returns:
        How many resources were created, updated, deleted and left alone.

    Raises:
        UserError: with the engine's own words when the update fails.
    """
    options = LocalWorkspaceOptions(env_vars=dict(environment))
    with progress.step(f"pulumi up --stack {stack_name}") as detail:
        _create(stack_name, environment)
        stack = automation.select_stack(stack_name, work_dir=str(CHECKOUT), opts=options)
        file = files / stack_file(stack_name).name
        file.write_text(without_salt(stack_file(stack_name).read_text()))
        changed: Counter[str] = Counter()

        def on_event(event: EngineEvent) -> None:
            if event.resource_pre_event and event.resource_pre_event.metadata.op not in _QUIET:
                metadata = event.resource_pre_event.metadata
                changed[metadata.op.value] += 1
                detail(f"{metadata.op.value} {metadata.type} {metadata.urn.rsplit('::', 1)[-1]}")

        try:
            result = stack.up(config_file=str(file), on_event=on_event, color="never", suppress_outputs=True)
        except CommandError as error:
            raise UserError(f"pulumi up --stack {stack_name} failed:\n{_reason(str(error))}") from None
    return Counter(result.summary.resource_changes or {})


def _create(stack_name: str, environment: Mapping[str, str]) -> None:
    """Make the stack in the state backend if it is not there; from a copy of the project file, for the same reason."""
    with tempfile.TemporaryDirectory(prefix="bighpc-stack-") as directory:
        shutil.copy(CHECKOUT / "Pulumi.yaml", directory)
        automation.create_or_select_stack(
            stack_name, work_dir=directory, opts=LocalWorkspaceOptions(env_vars=dict(environment))
        )


def _reason(output: str) -> str:
    """The part of the engine's output that a person needs: the diagnostics."""
    _, found, diagnostics = output.partition("Diagnostics:")
    return (diagnostics if found else output).partition("\n\nResources:")[0].strip()
