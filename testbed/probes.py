"""Readiness probes; each takes at most two seconds and says why something is not ready."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from testbed.cluster.pki import KeyPair
from testbed.processes import NotReadyError

__all__ = ["http_probe", "pid_probe", "tcp_probe", "unix_probe"]

_TIMEOUT = 2.0


def http_probe(
    url: str, *, authority: Path | None = None, client: KeyPair | None = None, timeout: float = _TIMEOUT
) -> Callable[[], None]:
    """Ready when a GET of the URL answers 2xx.

    Args:
        url: What to get.
        authority: For HTTPS: the certificate that the server's own must be signed by.
        client: For HTTPS: the certificate to present.
        timeout: Seconds to wait for the answer.
    """
    return partial(_http, url, authority, client, timeout)


def pid_probe(file: Path, waits_for: str) -> Callable[[], None]:
    """Ready while the process runs whose number is in the file, which it writes once it has done its first work.

    Args:
        file: Where the number is.
        waits_for: Why there may be none yet, as a sentence.
    """
    return partial(_pid, file, waits_for)


def tcp_probe(address: str, port: int) -> Callable[[], None]:
    """Ready when a connection is accepted."""
    return partial(_connect, socket.AF_INET, (address, port), f"{address}:{port}")


def unix_probe(path: Path) -> Callable[[], None]:
    """Ready when a connection to the socket is accepted."""
    return partial(_connect, socket.AF_UNIX, str(path), str(path))


def _pid(file: Path, waits_for: str) -> None:
    try:
        pid = int(file.read_text())
    except (OSError, ValueError):
        raise NotReadyError(waits_for) from None
    if not psutil.pid_exists(pid):
        raise NotReadyError(f"process {pid}, which was ready, is gone")


def _http(url: str, authority: Path | None, client: KeyPair | None, timeout: float) -> None:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if authority is not None:
        context = ssl.create_default_context(cafile=str(authority))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(url, timeout=timeout) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(2000).decode(errors="replace").strip()
        raise NotReadyError(f"{url} answers {error.code}: {_failed_checks(detail)}") from None
    except urllib.error.URLError as error:
        raise NotReadyError(f"{url}: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotReadyError(f"{url}: {error}") from None


def _failed_checks(detail: str) -> str:
    """Kubernetes lists every check; only those that failed tell something."""
    failed = [line for line in detail.splitlines() if line.startswith("[-]")]
    return "; ".join(failed or detail.splitlines()[:1])


def _connect(family: socket.AddressFamily, address: tuple[str, int] | str, label: str) -> None:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(address)
    except OSError as error:
        raise NotReadyError(f"{label}: {error.strerror or error}") from None
