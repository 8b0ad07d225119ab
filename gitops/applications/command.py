"""``bighpc applications serve``: the page on loopback until it is told to end."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from typing import Final

import uvicorn
from rich.console import Console

from gitops.applications.argocd import ArgoCD, Connection
from gitops.applications.page import create_page
from gitops.errors import CommandError

__all__ = ["Request", "serve"]

_LOOPBACK: Final = "127.0.0.1"
"""The page shows to whoever can call it what its account may see: so only this machine can."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to serve, and where."""

    connection: Connection
    port: int


def serve(request: Request, console: Console) -> None:
    """Serve the page until SIGTERM or SIGINT.

    Raises:
        CommandError: when the port is taken.
    """
    page = create_page(ArgoCD(request.connection), hosts=(_LOOPBACK, "localhost"))
    try:
        listener = socket.create_server((_LOOPBACK, request.port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CommandError(
            f"cannot listen on {_LOOPBACK}:{request.port}: {reason}", "Choose another port with --port."
        ) from None
    with listener:
        # Streams stay open for as long as somebody looks: they do not keep the page from ending.
        configuration = uvicorn.Config(
            page, access_log=False, log_level="warning", server_header=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(configuration)
        # When it has shut down, the server raises the signal once more, for whoever handled it before.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        console.print(f"http://{_LOOPBACK}:{listener.getsockname()[1]}/ shows what {request.connection.url} delivers")
        server.run(sockets=[listener])
