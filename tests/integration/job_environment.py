"""A virtual environment with the engine in it that the users of a testbed's jobs may run, as a site's image has one.

The checkout's own may lead to an interpreter in somebody's home directory, which is closed to others, and so is the
store of tools.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import language
from testbed.context import Context
from testbed.provider import installation as gitlab
from testbed.pulumirpc.launcher import write_launcher

__all__ = ["make_job_environment"]

_OTHERS = 0o001  # what the owner's group and everybody else need, to pass through a directory and to run a file


def make_job_environment(directory: Path, context: Context) -> Path:
    """Make it; the packages are those of the checkout, so nothing is installed.

    Args:
        directory: one that everybody may enter.
        context: the testbed whose engine it gets.

    Returns:
        What `BIGHPC_VENV` has to say.
    """
    place = directory / "venv"
    subprocess.run([_interpreter(), "-m", "venv", "--without-pip", place], check=True, timeout=60)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    # addsitedir, and not the path alone: the checkout itself is an editable installation, which is a .pth file too.
    (packages / "checkout.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    python, programs = place / "bin" / "python", place / "bin"
    shutil.copy2(Path(sys.prefix) / "bin" / "bighpc", programs / "bighpc")
    text = (programs / "bighpc").read_text().partition("\n")[2]
    (programs / "bighpc").write_text(f"#!{python}\n{text}")
    shutil.copy2(context.layout.bin / "pulumi", programs)
    shutil.copy2(context.tools.path("pulumi-resource-kubernetes"), programs)
    write_launcher(programs / language.EXECUTABLE, python, "testbed.language")
    write_launcher(programs / gitlab.EXECUTABLE, python, "testbed.provider")
    return place


def _interpreter() -> Path:
    """A Python like ours that other users may run, if jobs are others."""
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for found in _candidates(wanted):
        path = found.resolve()
        if os.geteuid() != 0 or all(each.stat().st_mode & _OTHERS for each in (path, *path.parents)):
            return path
    pytest.skip(f"jobs run as users of their own, and there is no {wanted} here that others than root may run")


def _candidates(name: str) -> Iterator[Path]:
    yield Path(sys.executable)
    for directory in (*os.get_exec_path(), "/usr/local/bin", "/usr/bin"):
        if (Path(directory) / name).is_file():
            yield Path(directory) / name
