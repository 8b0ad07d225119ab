"""How the double's processes listen: on loopback alone, and until SIGTERM."""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import socket
from urllib.parse import urlsplit

import uvicorn

__all__ = ["listen", "loopback", "serve_until_told", "web_address"]


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else, so that a second double on the same data does not get far.

    Raises:
        OSError: when it is taken, in words that name the remedy.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"cannot listen on {host}:{port}: {reason}; choose another port with --listen") from None


def serve_until_told(configuration: uvicorn.Config, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        0 afterwards, 1 when the application did not start.
    """
    server = uvicorn.Server(configuration)
    # When it has shut down, the server raises the signal once more, for whoever handled it before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def web_address(text: str) -> str:
    """A command's argument: scheme, host and port, without a slash at the end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r}: give scheme, host and port, such as http://127.0.0.1:8929")
    return text.rstrip("/")


def loopback(text: str) -> tuple[str, int]:
    """A command's argument: an address of this machine alone, and a port."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give an IP address and a port, such as 127.0.0.1:8929") from None
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{text!r}: the double listens on loopback only; use 127.0.0.1")
    return str(address), number
