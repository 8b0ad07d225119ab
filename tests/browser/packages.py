"""``python -m tests.browser.packages``: see to it that there is a browser to test with."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from testbed.errors import UserError
from testbed.host.packages import find_command, install
from tests.browser.browser import PROGRAMS

_DRIVER = "chromedriver"


def main() -> int:
    """Install what is missing, as ``bighpc testbed up`` does with its own packages.

    Returns:
        0 when Chromium and its driver are there.
    """
    absent = [] if any(find_command(program) for program in PROGRAMS) else ["chromium"]
    absent += [] if find_command(_DRIVER) else ["chromium-driver"]
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
    sys.exit(main())
