"""Greets over HTTP."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse


def greeting(name: str) -> str:
    """The sentence for somebody; for nobody in particular it is for the world."""
    return f"{os.environ.get('GREETING', 'Hello')}, {name.strip() or 'world'}!"


class Handler(BaseHTTPRequestHandler):
    """Answers ``GET /?name=...``."""

    def do_GET(self) -> None:
        """Send the greeting."""
        names = parse_qs(urlparse(self.path).query).get("name", [""])
        body = greeting(names[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the log for what matters."""
