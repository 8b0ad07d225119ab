"""The least of a GitLab: keeps what it is sent, answers what it keeps, and can be told to fail."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["FakeGitLab", "Request", "serving"]

# What names an object in its collection, where that is not its number.
_KEYS = {"protected_branches": "name", "protected_tags": "name", "variables": "key", "members": "user_id"}


@dataclass(frozen=True)
class Request:
    """One call."""

    verb: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]


@dataclass
class FakeGitLab:
    """Objects by path."""

    url: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    failures: deque[tuple[int, Any]] = field(default_factory=deque)
    """Status and message of the next answers."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def calls(self, verb: str) -> list[Request]:
        """What was called with a verb."""
        return [request for request in self.requests if request.verb == verb]

    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and body."""
        with self.lock:
            self.requests.append(request)
            if self.failures:
                status, message = self.failures.popleft()
                return status, {"message": message}
            act = {"GET": self._get, "POST": self._post, "DELETE": self._delete}
            return act.get(request.verb, self._change)(request)

    def _get(self, request: Request) -> tuple[int, Any]:
        if request.path in self.objects:
            return 200, self.objects[request.path]
        inside = [item for path, item in self.objects.items() if path.rpartition("/")[0] == request.path]
        there = inside or request.path == "applications"  # GitLab itself has that one, with nothing in it too
        return (200, inside) if there else (404, {"message": "404 Not found"})

    def _post(self, request: Request) -> tuple[int, Any]:
        collection = request.path.rpartition("/")[2]
        item = {"id": self._next_id()} | _told(collection, request.body)
        key = "name" if request.path.startswith("groups/7/labels") else _KEYS.get(collection, "id")
        path = f"{request.path}/{item[key]}".replace("user/runners", "runners")
        if path in self.objects:
            return 409, {"message": f"{path} has already been taken"}
        self.objects[path] = item
        return 201, item

    def _next_id(self) -> int:
        taken = {item["id"] for item in self.objects.values() if isinstance(item.get("id"), int)}
        return len(self.objects) + 1 if len(self.objects) + 1 not in taken else max(taken) + 1

    def _change(self, request: Request) -> tuple[int, Any]:
        if request.path not in self.objects:
            return 404, {"message": "404 Not found"}
        self.objects[request.path] |= _told("", request.body)
        return 200, self.objects[request.path]

    def _delete(self, request: Request) -> tuple[int, Any]:
        return (204, None) if self.objects.pop(request.path, None) else (404, {"message": "404 Not found"})


def _told(collection: str, body: dict[str, Any]) -> dict[str, Any]:
    """GitLab does not tell secrets, and tells levels as lists."""
    told = {name: value for name, value in body.items() if collection != "hooks" or name != "token"}
    if "namespace_id" in told:
        told["namespace"] = {"id": told.pop("namespace_id")}
    if told.get("color") == "red":
        told["color"] = "#FF0000"
    for kind in ("push", "merge", "create"):
        if collection.startswith("protected_"):
            levels = [{"access_level": told.pop(f"{kind}_access_level", 40)}]
            told[f"{kind}_access_levels"] = levels + told.pop(f"allowed_to_{kind}", [])
    if collection in {"triggers", "runners", "tokens", "access_tokens", "deploy_tokens"}:
        told |= {"token": "glxx-told-once"}
    if collection == "applications":
        names = {"name": "application_name", "redirect_uri": "callback_url"}
        told = {names.get(name, name): value for name, value in told.items() if name != "scopes"}
        told |= {"application_id": "0123abcd", "secret": "gloas-told-once"}
    return told


@contextmanager
def serving() -> Iterator[FakeGitLab]:
    """A fake on a free port of the loopback interface."""
    fake = FakeGitLab()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # bytes: head and body in one packet, or each answer waits for an acknowledgement

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}") if length else {}
            path = unquote(parts.path).removeprefix("/api/v4/")
            status, answer = fake.answer(Request(self.command, path, parse_qs(parts.query), body or {}))
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/api/v4/"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
