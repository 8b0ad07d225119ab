"""Which Python runs a program: its virtual environment, or the first one on PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testbed.pulumirpc import language_pb2

__all__ = ["Interpreter", "OptionError"]

_SUPPORTED = {"toolchain": "pip", "typechecker": "none"}


class OptionError(ValueError):
    """A runtime option in ``Pulumi.yaml`` or ``PulumiPolicy.yaml`` that cannot be honoured."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python, and the virtual environment it belongs to."""

    virtualenv: Path | None
    """None: whatever Python is first on PATH."""

    @classmethod
    def of(cls, info: language_pb2.ProgramInfo, default_virtualenv: str = "") -> Interpreter:
        """The interpreter that a program's runtime options ask for.

        Raises:
            OptionError: when an option is not one that this language host can honour.
        """
        return cls.from_options(Path(info.root_directory), dict(info.options), default_virtualenv)

    @classmethod
    def from_options(cls, root: Path, options: Mapping[str, Any], default_virtualenv: str = "") -> Interpreter:
        """The same, from the options as a mapping; a relative ``virtualenv`` starts at the project's directory."""
        for option, supported in _SUPPORTED.items():
            value = options.get(option, supported)
            if value != supported:
                raise OptionError(
                    f"runtime option {option}: {value!r}: this embedded language host supports {supported!r} alone; "
                    "remove the option or install Pulumi's own pulumi-language-python"
                )
        virtualenv = options.get("virtualenv", default_virtualenv)
        if not isinstance(virtualenv, str):
            raise OptionError(f"runtime option virtualenv: {virtualenv!r}: it must be a string, a directory")
        return cls(virtualenv=root / virtualenv if virtualenv else None)

    @property
    def exists(self) -> bool:
        """Whether there is a Python to run."""
        return self.virtualenv is None or self._python_of(self.virtualenv).is_file()

    @property
    def executable(self) -> str:
        """The program to start.

        Raises:
            OptionError: when there is none, with what to do about it.
        """
        if self.virtualenv is not None:
            python = self._python_of(self.virtualenv)
            if not python.is_file():
                raise OptionError(
                    f"runtime option virtualenv: there is no Python in {self.virtualenv}; run `pulumi install`, or "
                    f"`python3 -m venv {self.virtualenv}` and `{python} -m pip install -r requirements.txt`"
                )
            return str(python)
        return self.ambient()

    @staticmethod
    def ambient() -> str:
        """The Python on PATH, or the one that ``PULUMI_PYTHON_CMD`` names.

        Raises:
            OptionError: when there is none.
        """
        names = [os.environ["PULUMI_PYTHON_CMD"]] if os.environ.get("PULUMI_PYTHON_CMD") else ["python3", "python"]
        for name in names:
            found = shutil.which(name)
            if found:
                return found
        raise OptionError(f"no {' or '.join(names)} on PATH: install Python, or set the virtualenv runtime option")

    def environment(self) -> dict[str, str]:
        """This process's environment, with the virtual environment activated."""
        environment = dict(os.environ)
        if self.virtualenv is not None:
            environment["VIRTUAL_ENV"] = str(self.virtualenv)
            environment["PATH"] = os.pathsep.join([str(self.virtualenv / "bin"), environment.get("PATH", os.defpath)])
            environment.pop("PYTHONHOME", None)
        return environment

    @staticmethod
    def _python_of(virtualenv: Path) -> Path:
        return virtualenv / "bin" / "python"
