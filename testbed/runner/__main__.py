"""``python -m testbed.runner``: take jobs from a GitLab until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

from testbed.files import private_directory, write_private
from testbed.runner.containers import Runtime
from testbed.runner.protocol import Client
from testbed.runner.service import READY, Service
from testbed.runner.work import Place
from testbed.runner.workspace import check_builds, offer

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run jobs.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot start or GitLab does not know it.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        service = _service(options)
    except OSError as error:
        sys.stderr.write(f"runner: {error}\n")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: service.stop())
    service.run()
    service.place.client.close()
    if service.refused:
        sys.stderr.write(f"runner: {service.refused}\n")
        return 1
    return 0


def _service(options: argparse.Namespace) -> Service:
    state = private_directory(options.state)
    (state / READY).unlink(missing_ok=True)
    check_builds(options.builds)
    path = os.pathsep.join([str(offer(options.tool, options.builds)), os.environ.get("PATH", os.defpath)])
    kept = {name: os.environ[name] for name in options.keep_environment if name in os.environ}
    runtime = Runtime.load(options.containers, kept) if options.containers else None
    client = Client(options.url, _token(options.token_file), _system_id(state), containers=runtime is not None)
    place = Place(
        client=client,
        name=options.name,
        builds=options.builds,
        state=state,
        environment={**kept, "PATH": path},
        runtime=runtime,
    )
    return Service(place, options.concurrency, options.check_interval, options.stop_limit)


def _token(file: Path) -> str:
    mode = file.stat().st_mode
    if mode & 0o077:
        raise OSError(f"{file}: others may read the runner's token; `chmod 600` it")
    token = file.read_text().strip()
    if not token:
        raise OSError(f"{file} is empty; write the token that POST user/runners gave")
    return token


def _system_id(state: Path) -> str:
    """The name by which GitLab tells machines with the same token apart; made once."""
    file = state / "system-id"
    if not file.is_file():
        write_private(file, f"s_{secrets.token_hex(6)}")
    return file.read_text()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.runner", description=__doc__)
    parser.add_argument("--url", required=True, help="GitLab's address")
    parser.add_argument("--token-file", type=Path, required=True, help="the runner's token (glrt-...), mode 0600")
    parser.add_argument("--state", type=Path, required=True, help="directory for caches and what a restart must know")
    parser.add_argument("--builds", type=Path, required=True, help="directory for checkouts, emptied at the start")
    parser.add_argument("--name", default=socket.gethostname(), help="shown in logs of jobs")
    parser.add_argument("--concurrency", type=int, default=2, help="jobs at once")
    parser.add_argument("--containers", type=Path, help="file that says how jobs with an image run")
    parser.add_argument("--tool", type=Path, action="append", default=[], help="program for shell jobs; repeatable")
    parser.add_argument("--keep-environment", action="append", default=[], metavar="NAME", help="pass on to jobs")
    parser.add_argument("--check-interval", type=float, default=3.0, help="seconds between two questions for a job")
    parser.add_argument("--stop-limit", type=float, default=5.0, help="seconds that jobs have at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
