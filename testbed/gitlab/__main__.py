"""``python -m testbed.gitlab``: run the double until SIGTERM."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import sys
from pathlib import Path

import uvicorn

from testbed.gitlab.accounts import AccountsError, ensure_accounts
from testbed.gitlab.server import build, create_forge
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import SchemaError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the double.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    host, port = options.listen
    settings = Settings(data=options.data.resolve(), external_url=options.external_url.rstrip("/"))
    try:
        forge = create_forge(settings)
        ensure_accounts(forge.database, options.root_token_file, options.bot_token_file)
    except (AccountsError, SchemaError, OSError) as error:
        sys.stderr.write(f"gitlab double: {error}\n")
        return 1
    configuration = uvicorn.Config(
        build(forge),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(configuration)
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.gitlab", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory for everything that is kept")
    parser.add_argument("--listen", type=_loopback, required=True, help="127.0.0.1:PORT")
    parser.add_argument("--external-url", required=True, help="address that answers and payloads name")
    parser.add_argument("--root-token-file", type=Path, required=True, help="token of the administrator, mode 0600")
    parser.add_argument("--bot-token-file", type=Path, help="token of the user bighpc-bot, mode 0600")
    return parser


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
