"""``python -m testbed.delivery.relay``: what pods may ask of processes on loopback, their metrics and nothing else.

A request names the process by the service that it was sent to, in its ``Host``.
"""

from __future__ import annotations

import argparse
import http.server
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

__all__ = ["Relay", "main"]

_LIMIT_S = 10
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Relay(http.server.ThreadingHTTPServer):
    """Answers ``GET /metrics`` from the loopback port of the service that the request names."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], ports: Mapping[str, int]) -> None:
        super().__init__(address, _Handler)
        self.ports = ports


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Relay

    def do_GET(self) -> None:
        """Answer a request."""
        port = self.server.ports.get(self.headers.get("Host", "").partition(":")[0].partition(".")[0])
        if self.path == "/healthz":
            self._answer(200, "text/plain", b"ok\n")
        elif self.path != "/metrics" or port is None:
            self._answer(404, "text/plain", b"only /metrics of a service that this testbed has\n")
        else:
            self._relay(port)

    def _relay(self, port: int) -> None:
        # Clients say which format of metrics they read.
        headers = {"Accept": self.headers.get("Accept", "*/*")}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
        try:
            with _OPENER.open(request, timeout=_LIMIT_S) as answer:
                self._answer(200, answer.headers.get("Content-Type", "text/plain"), answer.read())
        except (urllib.error.URLError, OSError) as error:
            self._answer(502, "text/plain", f"{error}\n".encode())

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: it is asked every few seconds."""


def main(arguments: list[str] | None = None) -> int:
    """Relay until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m testbed.delivery.relay", description=__doc__)
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("services", nargs="+", metavar="SERVICE=PORT")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    ports = {name: int(number) for name, _, number in (each.partition("=") for each in options.services)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Relay((host, int(port)), ports) as relay:
        relay.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
