"""``python -m testbed.delivery.gateway``: in from browsers to Services, by host name; out from pods to loopback.

It stands where a site has an ingress controller and a network in which pods reach GitLab. Connections are carried as
they are, once it is known where they go, so whatever runs over HTTP runs over them, WebSockets too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import httpx2
from lightkube import ApiError, Client, KubeConfig
from lightkube.resources.core_v1 import Service

__all__ = ["Gateway", "ServiceAddress", "main"]

READY: Final = "/-/ready"
"""What the gateway itself answers, on its own address."""

_HEADERS_LIMIT: Final = 64 * 1024
_FIRST_REQUEST_S: Final = 30
_CONNECT_S: Final = 5
_CHUNK: Final = 64 * 1024

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Place = tuple[str, int]


class ServiceAddress:
    """Says where a Service is now, of which only the name is known beforehand."""

    def __init__(self, api: Client) -> None:
        self._api = api

    async def __call__(self, namespace: str, name: str, port: int) -> Place:
        """Return it.

        Raises:
            LookupError: when there is none, in words for people.
        """
        try:
            found = await asyncio.to_thread(self._api.get, Service, name, namespace=namespace)
        except ApiError as error:
            if error.status.code == 404:
                raise LookupError(f"there is no Service {name} in {namespace}: nothing is delivered there") from None
            raise LookupError(f"the API server refuses to name Service {name} in {namespace}: {error}") from None
        except httpx2.HTTPError as error:
            raise LookupError(f"the API server does not answer: {type(error).__name__}") from None
        address = found.spec.clusterIP if found.spec else None
        if not address or address == "None":
            raise LookupError(f"Service {name} in {namespace} has no address of its own")
        return address, port


class Gateway:
    """Carries connections.

    Args:
        services: by host name, namespace, name and port of the Service behind it.
        address_of: says where a Service is.
    """

    def __init__(
        self,
        services: Mapping[str, tuple[str, str, int]],
        address_of: Callable[[str, str, int], Awaitable[Place]],
    ) -> None:
        self._services = services
        self._address_of = address_of

    async def inwards(self, reader: Reader, writer: Writer) -> None:
        """Carry a browser's connection to the Service that its first request names; a browser has one per host."""
        async with _closing(writer):
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _FIRST_REQUEST_S)
            except asyncio.LimitOverrunError:
                await _answer(writer, 431, "the headers are too long")
                return
            host = _host(head)
            if host not in self._services:
                own = head.partition(b"\r\n")[0].split(b" ")[1:2] == [READY.encode()]
                known = ", ".join(self._services)
                await _answer(writer, *((200, "ready") if own else (404, f"no host {host!r} here; there are {known}")))
                return
            try:
                place = await self._address_of(*self._services[host])
                behind = await asyncio.wait_for(asyncio.open_connection(*place), _CONNECT_S)
            except LookupError as error:
                await _answer(writer, 503, str(error))
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else "no answer"
                await _answer(writer, 503, f"nothing answers behind {host}: {reason}")
            else:
                await _carry(reader, writer, *behind, begun=head)

    def outwards(self, place: Place) -> Callable[[Reader, Writer], Awaitable[None]]:
        """Return what carries a pod's connection to a process on loopback."""

        async def carry(reader: Reader, writer: Writer) -> None:
            async with _closing(writer):
                # The pod sees a connection that ends at once, and says so.
                with contextlib.suppress(OSError):
                    behind = await asyncio.wait_for(asyncio.open_connection(*place), _CONNECT_S)
                    await _carry(reader, writer, *behind)

        return carry


def _host(head: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"host":
            return value.strip().decode("latin-1").lower().partition(":")[0]
    return ""


async def _carry(reader: Reader, writer: Writer, back: Reader, forth: Writer, begun: bytes = b"") -> None:
    async with _closing(forth):
        forth.write(begun)
        await asyncio.gather(_pump(reader, forth), _pump(back, writer))


async def _pump(reader: Reader, writer: Writer) -> None:
    """Carry one direction to its end, and tell the other side of the end."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@contextlib.asynccontextmanager
async def _closing(writer: Writer) -> AsyncIterator[None]:
    """Close a connection afterwards; either side may break it off at any time."""
    try:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(writer: Writer, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    writer.write(
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()


def main(arguments: list[str] | None = None) -> int:
    """Carry connections until SIGTERM."""
    options = _parser().parse_args(arguments)
    config = KubeConfig.from_file(options.kubeconfig).get()
    with Client(config=config, trust_env=False) as api:
        asyncio.run(_serve(Gateway(dict(options.service), ServiceAddress(api)), options.listen, options.outwards))
    return 0


async def _serve(gateway: Gateway, listen: Place, outwards: list[tuple[Place, Place]]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    servers = [await asyncio.start_server(gateway.inwards, *listen, limit=_HEADERS_LIMIT)]
    servers += [await asyncio.start_server(gateway.outwards(place), *inside) for inside, place in outwards]
    await told.wait()
    for server in servers:
        server.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.delivery.gateway", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--listen", type=_place, required=True, metavar="ADDRESS:PORT", help="for browsers")
    parser.add_argument("--service", type=_service, action="append", default=[], metavar="HOST=NAMESPACE/NAME:PORT")
    parser.add_argument(
        "--outwards", type=_outwards, action="append", default=[], metavar="ADDRESS:PORT=ADDRESS:PORT", help="for pods"
    )
    return parser


def _place(text: str) -> Place:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _service(text: str) -> tuple[str, tuple[str, str, int]]:
    host, _, service = text.partition("=")
    namespace, _, name = service.partition("/")
    return host, (namespace, *_place(name))


def _outwards(text: str) -> tuple[Place, Place]:
    inside, _, place = text.partition("=")
    return _place(inside), _place(place)


if __name__ == "__main__":
    raise SystemExit(main())
