"""``python -m testbed.images.python_environment ROOT LOCK``: Python packages of a lock file into a root file system.

Packages are fetched by this machine, with its own index, proxy and certificates, and only as wheels: nothing that a
package brings is run. What the image's own Python needs of them is asked of that Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packageurl import PackageURL

__all__ = ["ENVIRONMENT", "main", "python_urls"]

ENVIRONMENT = "/opt/python"
"""Where the packages are; Debian's own stay as they are."""

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)
_PIP = ("pip", "--disable-pip-version-check", "--quiet")


def python_urls(lock: str) -> list[PackageURL]:
    """What a lock file names, as a bill of materials calls it."""
    return [PackageURL("pypi", None, name.lower(), version) for name, version in _PINNED.findall(lock)]


def main(arguments: list[str]) -> int:
    """Install what a lock file names.

    Args:
        arguments: the root file system and the lock file.

    Raises:
        subprocess.CalledProcessError: when a package cannot be had, or has another hash.
    """
    root, lock = map(Path, arguments)
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = _run("chroot", str(root), "python3", "-c", asked).strip()
    with tempfile.TemporaryDirectory(prefix="wheels-", dir=root / "opt") as directory:
        wheels = Path(directory)
        options = ("--require-hashes", "--no-deps", "--only-binary=:all:", f"--python-version={version}")
        _run(sys.executable, "-m", *_PIP, "download", *options, f"--dest={wheels}", f"--requirement={lock}")
        shutil.copy(lock, wheels / "requirements.txt")
        inside = f"/opt/{wheels.name}"
        _run("chroot", str(root), "python3", "-m", "venv", ENVIRONMENT)
        _run(
            *("chroot", str(root), f"{ENVIRONMENT}/bin/python", "-m", *_PIP, "install", "--no-cache-dir"),
            *("--no-index", f"--find-links={inside}", "--no-deps", "--require-hashes"),
            f"--requirement={inside}/requirements.txt",
        )
    return 0


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
