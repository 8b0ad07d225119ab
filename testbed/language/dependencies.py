"""What is installed for a program, and how to install it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.language.children import Children, Chunk, chunks
from testbed.language.interpreter import Interpreter
from testbed.pulumirpc import plugin_pb2

__all__ = ["InstallationError", "describe", "install", "installed", "required_plugins", "sdk_version"]

_LIMIT = 60  # seconds for a question to a Python


class InstallationError(RuntimeError):
    """Why the dependencies of a program could not be installed or listed."""


@dataclass(frozen=True)
class _Step:
    title: str
    command: tuple[str, ...]


def sdk_version() -> str:
    """The version of the Pulumi SDK whose protocol we speak."""
    from importlib.metadata import version

    return version("pulumi")


def required_plugins(interpreter: Interpreter) -> list[plugin_pb2.PackageDependency]:
    """The provider plugins that the Pulumi packages of an environment ask for."""
    found = []
    for directory in _site_packages(interpreter):
        for file in sorted(directory.glob("*/pulumi-plugin.json")):
            plugin = json.loads(file.read_text())
            if plugin.get("resource") and plugin.get("name") and plugin.get("version"):
                found.append(
                    plugin_pb2.PackageDependency(
                        name=plugin["name"],
                        kind="resource",
                        version="v" + plugin["version"].removeprefix("v"),
                        server=plugin.get("server", ""),
                    )
                )
    return found


def _site_packages(interpreter: Interpreter) -> list[Path]:
    if interpreter.virtualenv is not None:
        # Starting that Python to ask would take longer than all the rest of a preview's preparations.
        return sorted(interpreter.virtualenv.glob("lib/python3.*/site-packages"))
    paths = _ask(interpreter, "-c", "import json, sys; print(json.dumps(sys.path[1:]))")
    return [Path(path) for path in json.loads(paths) if path and Path(path).is_dir()]


def describe(interpreter: Interpreter) -> tuple[str, str]:
    """The path of an interpreter's executable and its version."""
    answer = _ask(interpreter, "-c", "import platform, sys; print(sys.executable, platform.python_version())")
    executable, _, version = answer.strip().rpartition(" ")
    return executable, version


def installed(interpreter: Interpreter, *, transitive: bool) -> list[tuple[str, str]]:
    """Name and version of every package of an environment, or of those alone that no other one needs."""
    flags = [] if transitive else ["--not-required"]
    listed = json.loads(_ask(interpreter, "-m", "pip", "list", "--format", "json", *flags))
    return [(re.sub(r"[-_.]+", "-", package["name"]).lower(), package["version"]) for package in listed]


def _ask(interpreter: Interpreter, *arguments: str) -> str:
    command = [interpreter.executable, *arguments]
    try:
        answer = subprocess.run(
            command, env=interpreter.environment(), capture_output=True, text=True, check=True, timeout=_LIMIT
        )
    except subprocess.CalledProcessError as error:
        raise InstallationError(f"{' '.join(command)} failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise InstallationError(f"{' '.join(command)} gave no answer in {_LIMIT} s") from error
    return answer.stdout


def _steps(interpreter: Interpreter, directory: Path) -> Iterator[_Step]:
    if interpreter.virtualenv is not None and not interpreter.exists:
        venv = str(interpreter.virtualenv)
        yield _Step(f"Creating virtual environment {venv}", (Interpreter.ambient(), "-m", "venv", venv))
    if (directory / "requirements.txt").is_file():
        pip = (interpreter.executable, "-m", "pip", "install", "--disable-pip-version-check", "-r", "requirements.txt")
        yield _Step("Installing dependencies from requirements.txt", pip)


def install(interpreter: Interpreter, directory: Path, children: Children) -> Iterator[Chunk]:
    """Create the virtual environment if need be, install the requirements, and pass on what that prints.

    Raises:
        InstallationError: when a step fails.
    """
    for step in _steps(interpreter, directory):
        yield Chunk("stdout", f"{step.title}...\n".encode())
        with children.running(
            list(step.command), env=interpreter.environment(), cwd=str(directory), capture=True
        ) as child:
            yield from chunks(child)
            code = child.wait()
        if code:
            raise InstallationError(f"{step.title} failed: {' '.join(step.command)} ended with exit code {code}")
    yield Chunk("stdout", b"Finished installing dependencies\n")
