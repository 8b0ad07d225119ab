"""``python -m tests.packages STAGE``: see to it that the programs which a stage of the tests drives are there."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from testbed.errors import UserError
from testbed.host.packages import find_command, install
from tests.browser.browser import PROGRAMS as BROWSERS
from tests.integration.postgres import initdb

_CHROMIUM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "chromium": BROWSERS,
        "chromium-driver": ("chromedriver",),
        # Marks in notes are boxes without it.
        "fonts-noto-color-emoji": ("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",),
    }
)

_NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "browser": _CHROMIUM,
        "integration": {
            **_CHROMIUM,
            "postgresql": ("initdb",),
            "munge": ("munged",),
            "slurm-client": ("sbatch",),
            "slurmctld": ("slurmctld",),
            "slurmd": ("slurmd",),
        },
    }
)
"""Stage -> Debian package -> the commands or files of which any one means that it is there."""


def _found(name: str) -> bool:
    # Debian keeps the server's own commands off the PATH.
    return initdb() is not None if name == "initdb" else find_command(name) is not None or Path(name).is_file()


def main(stage: str) -> int:
    """Install what a stage lacks, as ``bighpc testbed up`` does with its own packages.

    Returns:
        0 when everything is there.
    """
    absent = [package for package, signs in _NEEDED[stage].items() if not any(map(_found, signs))]
    if not absent:
        return 0
    sys.stderr.write(f"installing system packages for the tests: {' '.join(absent)}\n")
    try:
        install(absent, log=Path(tempfile.gettempdir()) / "bighpc-test-packages.log")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
