"""What every Pulumi plugin process does: serve on loopback, say on which port, end quietly."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import grpc

__all__ = ["CHANNEL_OPTIONS", "serve"]

_LIMIT = 400 * 1024 * 1024  # bytes; the engine's own
_WORKERS = 64  # each running plugin, program or resource operation holds one; idle ones are never started
_ENGINE_CHECK = 1.0  # seconds

CHANNEL_OPTIONS = [("grpc.max_receive_message_length", _LIMIT), ("grpc.max_send_message_length", _LIMIT)]
"""For servers and channels alike."""


def serve(register: Callable[[grpc.Server], None], stopping: Callable[[], None]) -> None:
    """Serve until the engine interrupts us, ends, or ends our parent.

    Args:
        register: adds the services to the server.
        stopping: called once before the server stops.
    """
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    # Before anything else: the engine may interrupt at any time, and a traceback would land in its diagnostics.
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    engine = os.getppid()
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), options=CHANNEL_OPTIONS)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # A killed engine cannot say goodbye; its children then get another parent.
    while not stop.wait(_ENGINE_CHECK) and os.getppid() == engine:
        pass
    stopping()
    server.stop(grace=None)
    sys.stdout.flush()
    sys.stderr.flush()
    # Worker threads may still wait for a program or for GitLab; nobody is interested in their answer any more.
    os._exit(0)
