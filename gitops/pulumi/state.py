"""What the engine has recorded of a stack. No secret ever gets in here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gitops.errors import CommandError
from gitops.pulumi.engine import missing_engine
from gitops.pulumi.plan import clean

__all__ = ["Recorded", "State", "parse_state", "read_state"]

_LIMIT_S: Final = 120
_NO_SUCH_STACK: Final = 6
"""Exit code of the engine [pulumi/pulumi pkg/cmd/pulumi/cmd/exit_codes.go]."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One resource."""

    urn: str
    type: str
    id: str
    """Empty for a component."""
    properties: Mapping[str, Any]
    """Its inputs, and over them its outputs."""
    parent: str = ""
    """Address of the component that it belongs to."""
    dependencies: tuple[str, ...] = ()
    """Addresses of what must be there before it."""

    @property
    def name(self) -> str:
        """What the program calls it."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class State:
    """The resources of a stack; a stack that was never brought up has none."""

    stack: str
    resources: tuple[Recorded, ...]

    def of(self, *types: str) -> Iterator[Recorded]:
        """Yield the resources of these types."""
        return (each for each in self.resources if each.type in types)


def read_state(directory: Path, stack: str) -> State:
    """Ask the engine for the state of a stack; nothing is decrypted.

    Args:
        directory: the checkout.
        stack: the stack's name.

    Raises:
        CommandError: when it cannot be told.
    """
    try:
        done = subprocess.run(
            ("pulumi", "stack", "export", f"--stack={stack}", "--non-interactive"),
            cwd=directory,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise missing_engine() from None
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"pulumi stack export of {stack} did not end within {_LIMIT_S} s", "Look whether the state can be reached."
        ) from None
    if done.returncode == _NO_SUCH_STACK or (done.returncode and "no stack named" in done.stderr):
        return State(stack=stack, resources=())
    if done.returncode:
        raise CommandError(
            f"the state of stack {stack} cannot be read: {' '.join(done.stderr.split())}",
            "Look whether PULUMI_BACKEND_URL and its credentials are right.",
        )
    return parse_state(stack, json.loads(done.stdout))


def parse_state(stack: str, exported: Mapping[str, Any]) -> State:
    """Return the state that ``pulumi stack export`` printed."""
    deployment = exported.get("deployment") or {}
    return State(stack=stack, resources=tuple(_recorded(each) for each in deployment.get("resources") or ()))


def _recorded(resource: Mapping[str, Any]) -> Recorded:
    return Recorded(
        urn=resource["urn"],
        type=resource["type"],
        id=resource.get("id", ""),
        properties={**clean(resource.get("inputs") or {}), **clean(resource.get("outputs") or {})},
        parent=resource.get("parent") or "",
        dependencies=tuple(resource.get("dependencies") or ()),
    )
