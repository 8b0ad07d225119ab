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

    Raises:
        OSError: when a stack file cannot be read.
    """
    names = [file.name.split(".")[1] for file in sorted(directory.glob("Pulumi.*.yaml"))]
    return {name: bool((configuration(directory, name).get("bighpc:forge") or {}).get("owner")) for name in names}


def configuration(directory: Path, stack: str) -> dict[str, Any]:
    """Return what a stack's file says, by full key.

    Raises:
        OSError: when the file cannot be read.
    """
    document = yaml.safe_load((directory / f"Pulumi.{stack}.yaml").read_text()) or {}
    found: dict[str, Any] = document.get("config") or {}
    return found


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
