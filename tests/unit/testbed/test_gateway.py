from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from testbed.context import Context
from testbed.delivery.gateway import Gateway, Place, Reader, Writer
from testbed.delivery.user_interfaces import gateway, hub_host

HOST = "jupyterhub.dev.localhost"
SERVICE = ("bighpc-dev-jupyterhub", "proxy-public", 8000)


async def answering(reader: Reader, writer: Writer) -> None:
    """Say what came, and end."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nbehind: " + head.splitlines()[0])
    await writer.drain()
    writer.close()


async def echoing(reader: Reader, writer: Writer) -> None:
    """Say everything back until the other side ends, as over a WebSocket; then say goodbye."""
    while chunk := await reader.read(100):
        writer.write(chunk)
        await writer.drain()
    writer.write(b"goodbye")
    await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def listening(handler: Callable[[Reader, Writer], Awaitable[None]]) -> AsyncIterator[Place]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


def lookup(place: Place | None) -> Callable[[str, str, int], Awaitable[Place]]:
    async def address_of(namespace: str, name: str, port: int) -> Place:
        assert (namespace, name, port) == SERVICE
        if place is None:
            raise LookupError(f"there is no Service {name} in {namespace}: nothing is delivered there")
        return place

    return address_of


async def asked(place: Place, request: bytes) -> str:
    reader, writer = await asyncio.open_connection(*place)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer.decode()


def request(host: str, path: str = "/hub/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nAccept: */*\r\nhost: {host}\r\n\r\n".encode()


def through(place: Place | None, what: bytes) -> str:
    async def run() -> str:
        carrying = Gateway({HOST: SERVICE}, lookup(place))
        async with listening(carrying.inwards) as entrance:
            return await asked(entrance, what)

    return asyncio.run(run())


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8000", HOST.upper()])
def test_a_browser_reaches_the_service_behind_the_host_that_it_names(host: str) -> None:
    async def run() -> str:
        async with listening(answering) as behind:
            carrying = Gateway({HOST: SERVICE}, lookup(behind))
            async with listening(carrying.inwards) as entrance:
                return await asked(entrance, request(host))

    assert asyncio.run(run()).endswith("behind: GET /hub/ HTTP/1.1")


def test_both_directions_are_carried_until_each_has_ended() -> None:
    async def run() -> bytes:
        async with listening(echoing) as behind:
            carrying = Gateway({HOST: SERVICE}, lookup(behind))
            async with listening(carrying.inwards) as entrance:
                reader, writer = await asyncio.open_connection(*entrance)
                writer.write(request(HOST) + b"more")
                writer.write_eof()
                answer = await reader.read()
                writer.close()
                return answer

    assert asyncio.run(run()) == request(HOST) + b"moregoodbye"


def test_a_service_that_is_not_there_yet_is_said_to_the_browser() -> None:
    answer = through(None, request(HOST))
    assert answer.startswith("HTTP/1.1 503 ")
    assert "there is no Service proxy-public in bighpc-dev-jupyterhub" in answer


def test_nothing_behind_the_service_is_said_as_well() -> None:
    async def closed() -> Place:
        async with listening(answering) as place:
            return place

    answer = through(asyncio.run(closed()), request(HOST))
    assert answer.startswith("HTTP/1.1 503 ")
    assert f"nothing answers behind {HOST}: Connection refused" in answer


def test_an_unknown_host_hears_which_there_are() -> None:
    answer = through(None, request("other.localhost"))
    assert answer.startswith("HTTP/1.1 404 ")
    assert HOST in answer


def test_it_says_that_it_is_ready() -> None:
    assert through(None, request("127.0.0.1:8000", "/-/ready")).startswith("HTTP/1.1 200 ")


def test_endless_headers_are_refused() -> None:
    assert through(None, b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000).startswith("HTTP/1.1 431 ")


def test_a_pods_connection_is_carried_to_loopback() -> None:
    async def run() -> str:
        async with listening(answering) as behind:
            carrying = Gateway({}, lookup(None))
            async with listening(carrying.outwards(behind)) as inside:
                return await asked(inside, request("gitlab.bighpc.test"))

    assert "behind: GET /hub/" in asyncio.run(run())


def test_each_environment_has_a_host_of_its_own_as_cookies_do_not_tell_ports_apart(context: Context) -> None:
    (process,) = gateway(context)
    services = [each.removeprefix("--service=") for each in process.command if each.startswith("--service=")]
    assert f"{hub_host('dev')}=bighpc-dev-jupyterhub/proxy-public:8000" in services
    assert len({each.partition("=")[0] for each in services}) == 3


def test_where_no_pod_runs_there_is_none(make_context: Callable[..., Context]) -> None:
    assert gateway(make_context(real_node=False)) == []
