"""``python -m testbed.gitlab``: run the double until SIGTERM."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from testbed.gitlab.accounts import AccountsError, ensure_accounts
from testbed.gitlab.forge import Forge
from testbed.gitlab.server import build, create_forge
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import SchemaError

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the double.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings(
        data=options.data.resolve(),
        external_url=options.external_url,
        registry=options.registry,
        gitlab_ci_local=options.gitlab_ci_local,
    )
    try:
        with _listen(*options.listen) as listener:
            forge = create_forge(settings)
            ensure_accounts(forge.database, options.root_token_file, options.bot_token_file)
            return _serve(forge, listener)
    except (AccountsError, SchemaError, OSError) as error:
        sys.stderr.write(f"gitlab double: {error}\n")
        return 1


def _serve(forge: Forge, listener: socket.socket) -> int:
    configuration = uvicorn.Config(
        build(forge), access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(configuration)
    # When it has shut down, the server raises the signal once more, for whoever handled it before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    log.info("listening on %s:%s as %s", *listener.getsockname()[:2], forge.settings.external_url)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else, so that a second double on the same data does not get far."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"cannot listen on {host}:{port}: {reason}; choose another port with --listen") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.gitlab", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory for everything that is kept")
    parser.add_argument("--listen", type=_loopback, required=True, help="127.0.0.1:PORT")
    parser.add_argument("--external-url", type=_web_address, required=True, help="address named in answers")
    parser.add_argument("--root-token-file", type=Path, required=True, help="token of the administrator, mode 0600")
    parser.add_argument("--bot-token-file", type=Path, help="token of the user bighpc-bot, mode 0600")
    parser.add_argument("--registry", help="HOST:PORT of the container registry that jobs are told of")
    parser.add_argument("--gitlab-ci-local", type=Path, help="program that expands pipelines' configurations")
    return parser


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r}: give scheme, host and port, such as http://127.0.0.1:8929")
    return text.rstrip("/")


def _loopback(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give an IP address and a port, such as 127.0.0.1:8929") from None
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{text!r}: the double listens on loopback only; use 127.0.0.1")
    return str(address), number


if __name__ == "__main__":
    sys.exit(main())
