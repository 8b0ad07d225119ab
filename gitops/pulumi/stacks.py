"""The stacks of a checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import CommandError

__all__ = ["check_known", "configuration", "stacks_of"]


def stacks_of(directory: Path) -> dict[str, bool]:
    """Return the stacks that have a file in the checkout, and whether each owns the forge.

    A file that is no YAML does not tell, so its stack counts as one: whatever can touch an owner can touch it.

    Raises:
        OSError: when a stack file cannot be read.
    """
    names = [file.name.split(".")[1] for file in sorted(directory.glob("Pulumi.*.yaml"))]
    return {name: _owns_forge(directory, name) for name in names}


def configuration(directory: Path, stack: str) -> dict[str, Any]:
    """Return what a stack's file says, by full key.

    Raises:
        OSError: when the file cannot be read.
        CommandError: when it is no stack file.
    """
    file = directory / f"Pulumi.{stack}.yaml"
    try:
        document = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise CommandError(f"{file.name} is no YAML: {' '.join(str(error).split())}", f"Mend {file.name}.") from None
    found = (document.get("config") or {}) if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise CommandError(f"{file.name} has no mapping 'config'", f"Write {file.name} as Pulumi's stack files are.")
    return found


def _owns_forge(directory: Path, stack: str) -> bool:
    try:
        forge = configuration(directory, stack).get("bighpc:forge")
    except CommandError:
        return True
    return isinstance(forge, dict) and bool(forge.get("owner"))


def check_known(directory: Path, stacks: Sequence[str]) -> list[str]:
    """Return all stacks of the checkout, if those that somebody named are among them.

    Raises:
        CommandError: when they are not.
    """
    known = list(stacks_of(directory))
    unknown = [name for name in stacks if name not in known]
    if unknown:
        raise CommandError(
            f"no such stack: {', '.join(unknown)}", f"Name stacks that have a file here: {', '.join(known)}."
        )
    return known
