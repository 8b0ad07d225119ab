"""Loopback stand-ins for GitLab and a Kubernetes API server: fixed answers by path."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.free_ports import free_port

__all__ = ["Answers", "closed_port", "cluster_answers", "gitlab_answers", "serve"]

Answers = Mapping[str, tuple[int, Any]]
"""Status and JSON body by path; 404 for every other path."""

GROUP = {"id": 1, "created_at": "2026-11-24T00:00:00.000Z", "web_url": "http://gitlab.example/bighpc"}
PROJECT = {"id": 7, "http_url_to_repo": "http://gitlab.example/bighpc/environments.git"}
PLATFORM = {"id": 9, "http_url_to_repo": "http://gitlab.example/bighpc/platform.git"}


def gitlab_answers(directories: Any = (), **changes: Any) -> Answers:
    """What a GitLab with the forge answers.

    Args:
        directories: the paths that the environment repository has on every branch.
        changes: answers that replace that of one part.
    """
    parts = {
        "token": (200, {"id": 1, "scopes": ["api"]}),
        "group": (200, GROUP),
        "project": (200, PROJECT),
        "platform": (200, PLATFORM),
        **{part: (answer["status"], answer.get("body", {})) for part, answer in changes.items()},
    }
    paths = {
        "token": "/api/v4/personal_access_tokens/self",
        "group": "/api/v4/groups/bighpc",
        "project": "/api/v4/projects/bighpc%2Fenvironments",
        "platform": "/api/v4/projects/bighpc%2Fplatform",
    }
    tree = [{"path": directory, "type": "tree"} for directory in directories]
    # A branch without anything has no tree.
    known = {"/api/v4/projects/7/repository/tree": (200, tree)} if tree else {}
    return {**{paths[part]: answer for part, answer in parts.items()}, **known}


def cluster_answers(status: int = 200, uid: str = "cluster-one", argocd: bool = True, kueue: bool = True) -> Answers:
    """What an API server answers when it is asked for the namespaces of the system and of Argo CD, and for Kueue."""
    path = "/api/v1/namespaces"
    refusal = {"kind": "Status", "apiVersion": "v1", "code": status, "message": "Unauthorized"}
    absent = {"kind": "Status", "apiVersion": "v1", "code": 404, "message": 'namespaces "argocd" not found'}
    system = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": uid}}
    queue = {"kind": "ClusterQueue", "apiVersion": "kueue.x-k8s.io/v1beta1", "metadata": {"name": "bighpc-dev"}}
    return {
        # Of a kind that it does not know, an API server says nothing in its own words.
        "/apis/kueue.x-k8s.io/v1beta1/clusterqueues/bighpc-dev": (200, queue) if kueue else (404, "404 page not found"),
        f"{path}/kube-system": (status, system if status == 200 else refusal),
        f"{path}/argocd": (200, {"metadata": {"name": "argocd"}}) if argocd else (404, absent),
    }


@contextmanager
def serve(answers: Answers) -> Iterator[str]:
    """Serve the answers on a free loopback port; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place, _, _ = self.path.partition("?")
            status, body = answers.get(place, (404, {"message": "404 Not found"}))
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> str:
    """Return an address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"
