"""``python -m testbed.cluster.hardware``: simulate hardware until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from lightkube import Client, KubeConfig

from testbed.cluster.hardware.simulator import Simulator
from testbed.files import write_private

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run it.

    Returns:
        0 after SIGTERM or SIGINT.
    """
    parser = argparse.ArgumentParser(prog="python -m testbed.cluster.hardware", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True, help="gets the number of the process that works")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    config = KubeConfig.from_file(str(options.kubeconfig)).get()
    with Client(config=config, trust_env=False) as api:
        Simulator(api=api).run(ending, lambda: write_private(options.ready_file, str(os.getpid())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
