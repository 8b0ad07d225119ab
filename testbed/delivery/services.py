"""Argo CD and its redis as supervised processes on loopback."""

from __future__ import annotations

import re
import socket

from testbed.commands import run
from testbed.context import Context
from testbed.delivery.objects import ARGOCD_NAMESPACE
from testbed.delivery.operator import operator
from testbed.files import private_directory
from testbed.probes import http_probe
from testbed.processes import NotReadyError, Process

__all__ = ["OBJECTS", "processes"]

OBJECTS = "delivery-objects"
"""The task that the processes wait for: their definitions, accounts and settings are in the cluster."""

_BINARY_NAMES = {"argocd-notifications-controller": "argocd-notifications"}
"""Where the binary knows a role by another name than upstream's manifests."""


def processes(context: Context) -> list[Process]:
    """All of them, in starting order."""
    return [
        _redis(context),
        _repo_server(context),
        _server(context),
        _application_controller(context),
        _applicationset_controller(context),
        _notifications_controller(context),
        operator(context, after=(OBJECTS,)),
    ]


def _redis(context: Context) -> Process:
    port = context.ports["redis"]
    password = context.secret("redis-password")
    directory = private_directory(context.layout.data / "redis")
    # A configuration file, since a command line is everybody's to read. Argo CD's cache need not survive.
    config = context.write_config(
        "redis.conf",
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {directory}\nsave ""\nappendonly no\ndaemonize no\n',
    )

    def probe() -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = connection.recv(64)
        except OSError as error:
            raise NotReadyError(f"redis does not answer on port {port}: {error}") from None
        if not answer.startswith(b"+OK"):
            raise NotReadyError(f"redis on port {port} refuses our password: another server has this port")

    version = re.search(r"v=([\d.]+)", run("redis-server", "--version"))
    return Process(
        name="redis",
        command=("redis-server", str(config)),
        version=f"v{version[1]}" if version else "",
        probe=probe,
        url=f"redis://127.0.0.1:{port}",
    )


def _repo_server(context: Context) -> Process:
    ports = context.ports
    return _argocd(
        context,
        "argocd-repo-server",
        f"--address=127.0.0.1 --port={ports['argocd-repo-server']} --disable-tls "
        f"--metrics-address=127.0.0.1 --metrics-port={ports['argocd-repo-server-metrics']}",
        health=f"http://127.0.0.1:{ports['argocd-repo-server-metrics']}/healthz",
        url=f"grpc://127.0.0.1:{ports['argocd-repo-server']}",
    )


def _server(context: Context) -> Process:
    ports = context.ports
    url = f"http://127.0.0.1:{ports['argocd-server']}"
    return _argocd(
        context,
        "argocd-server",
        f"--address=127.0.0.1 --port={ports['argocd-server']} --insecure "
        f"--metrics-address=127.0.0.1 --metrics-port={ports['argocd-server-metrics']} "
        f"--repo-server=127.0.0.1:{ports['argocd-repo-server']} --repo-server-plaintext",
        health=f"{url}/healthz",
        url=url,
    )


def _application_controller(context: Context) -> Process:
    ports = context.ports
    metrics = ports["argocd-application-controller"]
    return _argocd(
        context,
        "argocd-application-controller",
        f"--metrics-port={metrics} --status-processors=4 --operation-processors=4 "
        # GitLab's commit statuses tell which object is degraded.
        "--persist-resource-health "
        f"--repo-server=127.0.0.1:{ports['argocd-repo-server']} --repo-server-plaintext",
        health=f"http://127.0.0.1:{metrics}/healthz",
    )


def _applicationset_controller(context: Context) -> Process:
    ports = context.ports
    metrics = ports["argocd-applicationset-metrics"]
    return _argocd(
        context,
        "argocd-applicationset-controller",
        f"--metrics-addr=127.0.0.1:{metrics} "
        f"--probe-addr=127.0.0.1:{ports['argocd-applicationset-probe']} "
        f"--webhook-addr=127.0.0.1:{ports['argocd-applicationset']} "
        f"--argocd-repo-server=127.0.0.1:{ports['argocd-repo-server']} --repo-server-plaintext",
        # Its probe address serves no check of its own.
        health=f"http://127.0.0.1:{metrics}/metrics",
        redis=False,
    )


def _notifications_controller(context: Context) -> Process:
    """What it tells whom, and with which token, the platform's own stack says."""
    ports = context.ports
    metrics = ports["argocd-notifications"]
    return _argocd(
        context,
        "argocd-notifications-controller",
        f"--metrics-port={metrics} "
        f"--argocd-repo-server=127.0.0.1:{ports['argocd-repo-server']} --argocd-repo-server-plaintext",
        health=f"http://127.0.0.1:{metrics}/metrics",
        redis=False,
    )


def _argocd(
    context: Context, role: str, flags: str, *, health: str, url: str | None = None, redis: bool = True
) -> Process:
    """One role of the ``argocd`` binary, which takes its role from ARGOCD_BINARY_NAME."""
    home = private_directory(context.layout.data / "argocd" / role)
    command = [str(context.tools.path("argocd")), *flags.split(), "--loglevel=warn"]
    if redis:
        command.append(f"--redis=127.0.0.1:{context.ports['redis']}")
    environment = {
        "ARGOCD_ASK_PASS_SOCK": str(private_directory(context.layout.run) / "ask-pass.sock"),
        "ARGOCD_BINARY_NAME": _BINARY_NAMES.get(role, role),
        # Outside the cluster there is no service account directory to look for.
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_SSH_DATA_PATH": str(private_directory(home / "ssh")),
        "ARGOCD_TLS_DATA_PATH": str(private_directory(home / "tls")),
        "GNUPGHOME": str(private_directory(home / "gpg")),
        "HOME": str(home),
        "HOSTNAME": f"{role}-0",
        "PATH": context.search_path,
        "REDIS_PASSWORD": context.secret("redis-password"),
        "TMPDIR": str(private_directory(home / "tmp")),
    }
    if role != "argocd-repo-server":
        kubeconfig = context.kubeconfig(role, user=f"system:serviceaccount:{ARGOCD_NAMESPACE}:{role}")
        environment["KUBECONFIG"] = str(kubeconfig)
        command += [f"--kubeconfig={kubeconfig}", f"--namespace={ARGOCD_NAMESPACE}"]
    return Process(
        name=role,
        command=tuple(command),
        version=context.tools.version("argocd"),
        environment=environment,
        probe=http_probe(health),
        url=url,
        after=(OBJECTS, "redis") if redis else (OBJECTS,),
    )
