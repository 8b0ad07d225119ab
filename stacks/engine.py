"""A stack's configuration outside a program: the engine decrypts it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from stacks.problems import ConfigurationError
from stacks.settings import NAMESPACE, Configuration, stack_file

__all__ = ["engine_version", "read_configuration"]

_LIMIT: Final = 60  # seconds: a backend far away may take some


def engine_version(root: Path) -> tuple[int, ...]:
    """Return the version of the Pulumi engine on PATH.

    Raises:
        ConfigurationError: when there is none.
    """
    text = _run(root, "version").strip().lstrip("v")
    return tuple(int(part) for part in text.partition("-")[0].split("."))


def read_configuration(stack: str, root: Path) -> Configuration:
    """Return a stack's configuration, decrypted.

    Args:
        stack: the stack's name.
        root: the directory with ``Pulumi.yaml``.

    Raises:
        ConfigurationError: with what the engine says.
    """
    listed = json.loads(_run(root, "config", "--json", "--show-secrets", "--stack", stack))
    return Configuration(
        stack=stack,
        # What the name is good for, earlier outputs of a stack, is asked by a running program alone.
        organization="organization",
        project=NAMESPACE,
        values={key: str(entry["value"]) for key, entry in listed.items() if entry.get("value") is not None},
        secret={key for key, entry in listed.items() if entry.get("secret")},
    )


def _run(root: Path, *arguments: str) -> str:
    command = ("pulumi", *arguments, "--non-interactive")
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except FileNotFoundError:
        raise _refuse("there is no program pulumi on PATH", 'eval "$(bighpc testbed env)", or install Pulumi') from None
    except subprocess.TimeoutExpired:
        raise _refuse(
            f"'pulumi {arguments[0]}' did not end within {_LIMIT} s", "look whether the state's backend can be reached"
        ) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split()).removeprefix("error: ")
        known = f"select the backend with pulumi login, and look at {stack_file('<stack>')}"
        raise _refuse(f"'pulumi {arguments[0]}' says: {said[:300]}", known)
    return done.stdout


def _refuse(value: str, remedy: str) -> ConfigurationError:
    rule = "the Pulumi engine answers, and can read the stack's configuration"
    return ConfigurationError.of("the Pulumi engine", value, rule, remedy)
