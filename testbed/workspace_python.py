"""The python3 that the operator finds: it makes the virtual environment of a run in a moment instead of half a minute.

For every run the operator clones the repository and calls ``python3 -m venv``, then pip twice. Here the first run of a
``requirements.txt`` installs it once into an environment that is kept, beside the tools; ``-m venv`` then lends its
packages to the new environment, where the operator's two calls of pip have nothing left to do and end at once; pip for
anything else finds everything in place and asks no index. The program, its requirements and the operator's commands
are those of every site. Any other call is passed on to Python.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from testbed.layout import cache_directory

__all__ = ["main"]

_KEPT_DAYS = 30
_DAY_S = 24 * 3600

# pip is called in the new environment, where all is in place; what is not there must not get into the kept one.
_NO_INDEX = "[global]\nno-index = true\ndisable-pip-version-check = true\n"

_QUIET = {"PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
_UPGRADE = ("-m", "pip", "install", "--upgrade", "pip", "setuptools", "wheel")
_INSTALL = ("-m", "pip", "install", "-r", "requirements.txt")

# An environment's `python`. What pip is asked for was done when the packages were prepared: looking again would take
# two seconds of every run. Python's own name beside it is a link, by which Python finds its environment.
_PYTHON = f"""\
#!/bin/sh
here=${{0%/*}}
case "$*" in
"{" ".join(_UPGRADE)}") exit 0 ;;
"{" ".join(_INSTALL)}") if cmp -s requirements.txt "$here/../requirements.txt"; then exit 0; fi ;;
esac
exec "$here/python3" "$@"
"""


def main(arguments: Sequence[str]) -> int:
    """Make the environment that is asked for, or become Python."""
    python = str(Path(sys.prefix) / "bin" / "python")
    requirements = Path("requirements.txt")
    if len(arguments) != 3 or tuple(arguments[:2]) != ("-m", "venv") or not requirements.is_file():
        os.execv(python, [python, *arguments])  # noqa: S606 - to become Python is the point: no shell is in between
    wanted = requirements.read_bytes()
    try:
        packages = _packages(wanted, python)
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    target = Path(arguments[2])
    venv.EnvBuilder(with_pip=False, symlinks=True).create(target)
    own = _site_packages(target)
    own.rmdir()
    own.symlink_to(packages)
    (target / "pip.conf").write_text(_NO_INDEX)
    (target / "requirements.txt").write_bytes(wanted)
    _answer_pip(target / "bin")
    return 0


def _answer_pip(commands: Path) -> None:
    command, real = commands / "python", commands / "python3"
    real.unlink()
    real.symlink_to(command.readlink())
    command.unlink()
    command.write_text(_PYTHON)
    command.chmod(0o755)


def _packages(requirements: bytes, python: str) -> Path:
    """Where the requirements are installed, which is done first if nobody did it before."""
    key = hashlib.sha256(f"{platform.python_version()}\n".encode() + requirements).hexdigest()[:16]
    root = cache_directory() / "environments"
    root.mkdir(parents=True, exist_ok=True)
    kept = root / key
    with (root / f"{key}.lock").open("a") as lock:
        # Three stacks may come with new requirements at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "ready").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            _drop_unused(root)
            _install(kept, python)
            (kept / "ready").touch()
        os.utime(kept)
    return _site_packages(kept)


def _install(kept: Path, python: str) -> None:
    """What the operator does, but once."""
    own = str(kept / "bin" / "python")
    for command in (
        (python, "-m", "venv", str(kept)),
        (own, *_UPGRADE),
        (own, *_INSTALL),
    ):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env={**os.environ, **_QUIET})


def _site_packages(environment: Path) -> Path:
    return environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def _drop_unused(root: Path) -> None:
    for each in root.iterdir():
        if each.is_dir() and (time.time() - each.stat().st_mtime) / _DAY_S > _KEPT_DAYS:
            shutil.rmtree(each, ignore_errors=True)
