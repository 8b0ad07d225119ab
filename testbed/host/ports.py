"""Host ports: the usual ones where they are free, else the next free ones; kept between runs."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

import psutil

from testbed.errors import UserError

__all__ = ["USUAL", "choose_ports", "is_free", "parse_choices"]

USUAL: Mapping[str, int] = MappingProxyType(
    {
        "gitlab": 8929,
        "gitlab-kas": 8930,
        "kube-apiserver": 6443,
        "etcd": 2379,
        "etcd-peer": 2380,
        "kube-controller-manager": 10257,
        "kube-scheduler": 10259,
        "kwok": 10247,
        "local-volumes": 10246,
        "coredns": 1053,
        "coredns-health": 8053,
        "coredns-ready": 8181,
        "registry": 5000,
        "argocd-server": 8080,
        "argocd-server-metrics": 8083,
        "argocd-repo-server": 8081,
        "argocd-repo-server-metrics": 8084,
        "argocd-application-controller": 8082,
        "argocd-applicationset": 7000,
        "argocd-applicationset-metrics": 8085,
        "argocd-applicationset-probe": 8086,
        "argocd-notifications": 9001,
        "applications": 8088,
        "redis": 6379,
        "metrics-relay": 8087,
        "gateway": 8000,
        "operator-metrics": 8383,
        "operator-probe": 8384,
    }
)
"""Every port a testbed listens on, by name, with the port that people expect there."""

_ATTEMPTS = 200


def parse_choices(values: Iterable[str]) -> dict[str, int]:
    """Read ``NAME=PORT`` choices from the command line.

    Raises:
        UserError: naming the value that is malformed, unknown or out of range.
    """
    choices: dict[str, int] = {}
    for value in values:
        name, _, number = value.partition("=")
        if name not in USUAL:
            raise UserError(f"--port {value}: {name!r} is no port of the testbed; there are {', '.join(USUAL)}")
        if not number.isdecimal() or not 1024 <= int(number) <= 65535:
            raise UserError(f"--port {value}: {number!r} is no port from 1024 to 65535; write for example {name}=9000")
        if int(number) in choices.values():
            raise UserError(f"--port {value}: two names cannot share a port; choose another one for {name}")
        choices[name] = int(number)
    return choices


def is_free(port: int) -> bool:
    """Whether nothing listens on the port, on loopback or on every address (the link's address is ours alone)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that are only winding down do not count as listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_ports(
    *,
    kept: Mapping[str, int],
    fixed: Mapping[str, int],
    reserved: Collection[int] = (),
    running: bool = False,
) -> dict[str, int]:
    """One free port per name.

    Args:
        kept: Ports of the last run, used again where they are still free.
        fixed: Ports that a person chose.
        reserved: Ports of other testbeds that may not be listening at the moment.
        running: Whether the testbed itself is listening on the kept ports.

    Raises:
        UserError: when a chosen port is taken, or no free one is near the usual one.
    """
    for name, port in fixed.items():
        if not is_free(port):
            raise UserError(
                f"port {port}, chosen for {name}, is taken by {_listener(port)}; "
                f"stop that, or choose another port with --port {name}=PORT"
            )
    usable = {name: port for name, port in kept.items() if name in USUAL and (running or is_free(port))}
    ports = {**usable, **fixed}
    for name, usual in USUAL.items():
        if name not in ports:
            ports[name] = _next_free(name, usual, {*ports.values(), *reserved})
    return ports


def _next_free(name: str, usual: int, taken: Collection[int]) -> int:
    for port in range(usual, usual + _ATTEMPTS):
        if port not in taken and is_free(port):
            return port
    raise UserError(f"no free port for {name} from {usual} to {usual + _ATTEMPTS - 1}; free one of them")


def _listener(port: int) -> str:
    """The process that listens on a port, as far as this user may know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another process"
