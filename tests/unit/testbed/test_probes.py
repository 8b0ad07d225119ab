from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.cluster.pki import Authority, Pki
from testbed.probes import http_probe, tcp_probe, unix_probe
from testbed.processes import NotReadyError


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 200 on /ok and a Kubernetes-like list of checks elsewhere."""

    def do_GET(self) -> None:
        ok = self.path == "/ok"
        body = b"ok" if ok else b"[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
        self.send_response(200 if ok else 500)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain) -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = wrap(server.socket)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_good_answer_is_ready() -> None:
    with serving() as port:
        http_probe(f"http://127.0.0.1:{port}/ok")()


def test_a_bad_answer_names_the_checks_that_failed() -> None:
    with serving() as port, pytest.raises(NotReadyError, match=r"answers 500: \[-\]etcd failed: reason withheld$"):
        http_probe(f"http://127.0.0.1:{port}/readyz")()


def test_nobody_listening_is_not_ready() -> None:
    with pytest.raises(NotReadyError, match="refused"):
        http_probe("http://127.0.0.1:1/")()


def test_a_proxy_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving() as port:
        http_probe(f"http://127.0.0.1:{port}/ok")()


def test_https_wants_the_right_authority_and_client(tmp_path: Path) -> None:
    pki = Pki(directory=tmp_path)
    server = pki.issue("server", common_name="server", server_names=["127.0.0.1"])
    client = pki.issue("client", common_name="client")
    authority = pki.authority(Authority.CLUSTER).certificate
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(server.certificate, server.key)
    with serving(lambda plain: tls.wrap_socket(plain, server_side=True)) as port:
        url = f"https://127.0.0.1:{port}/ok"
        http_probe(url, authority=authority, client=client)()
        with pytest.raises(NotReadyError, match="certificate verify failed"):
            http_probe(url, authority=pki.authority(Authority.ETCD).certificate, client=client)()


def test_a_listening_port_is_ready_and_a_closed_one_is_not() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        tcp_probe("127.0.0.1", server.getsockname()[1])()
    with pytest.raises(NotReadyError, match="127.0.0.1:1: Connection refused"):
        tcp_probe("127.0.0.1", 1)()


def test_a_listening_socket_is_ready_and_a_stale_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        unix_probe(path)()
    with pytest.raises(NotReadyError, match="refused"):
        unix_probe(path)()
