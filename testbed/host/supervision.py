"""Keeps a testbed's processes running, by means of supervisord.

Supervisord restarts what dies, with growing pauses, and rotates the logs. What depends on what, and when something is
ready, it does not know: that is for `testbed.startup`.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport

from testbed.errors import UserError
from testbed.files import private_directory, write_private
from testbed.layout import Layout
from testbed.processes import Process

__all__ = ["MARKER", "ProcessState", "Supervisor", "base_environment"]

MARKER = "BIGHPC_TESTBED_ROOT"
"""Every process of a testbed has this in its environment, so that it can be found whatever became of its parent."""

_START_SECONDS = 20.0
_INHERITED = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_INHERITED_PREFIXES = ("PIP_", "XDG_", "BIGHPC_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """What the supervisor knows of one process."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN."""
    pid: int | None
    problem: str
    """Why it could not be started, or how it ended."""

    @classmethod
    def parse(cls, info: Mapping[str, Any]) -> Self:
        """Read one record of supervisord's answer."""
        problem: str = info["spawnerr"]
        if problem.startswith("Exited too quickly"):
            problem = f"ended with code {info['exitstatus']} right after its start"
        elif info["statename"] == "EXITED":
            problem = f"ended with code {info['exitstatus']}"
        return cls(name=info["group"], state=info["statename"], pid=info["pid"] or None, problem=problem)


def base_environment(layout: Layout, *, search_path: str, cluster: str) -> dict[str, str]:
    """The environment that processes start from: little of the caller's, so that runs do not differ by it.

    Args:
        layout: The testbed.
        search_path: PATH.
        cluster: The testbed's addresses in CIDR notation; no proxy stands between them.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in {*_INHERITED, *_CERTIFICATES, *_PROXIES} or name.startswith(_INHERITED_PREFIXES)
    }
    direct = f"127.0.0.1,localhost,{cluster},.svc,.cluster.local,.bighpc.test"
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    environment["NO_PROXY"] = environment["no_proxy"] = f"{known},{direct}" if known else direct
    return {**environment, "PATH": search_path, MARKER: str(layout.root)}


class Supervisor:
    """The supervisord of one testbed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._config = layout.config / "supervisord.conf"
        self._socket = layout.run / "supervisor.sock"
        self._pidfile = layout.run / "supervisord.pid"

    @property
    def pid(self) -> int | None:
        """The process id of the running supervisord, or None."""
        try:
            pid = int(self._pidfile.read_text(encoding="ascii"))
            process = psutil.Process(pid)
            ours = process.environ().get(MARKER) == str(self._layout.root)
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if ours and process.status() != psutil.STATUS_ZOMBIE else None

    def alive(self) -> bool:
        """Whether supervisord is there and answers."""
        if self.pid is None:
            return False
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def configure(self, processes: Iterable[Process], environment: Mapping[str, str]) -> None:
        """Make supervisord run, knowing exactly these processes; starts none of them.

        A process whose command, environment or configuration files have changed is stopped, to be started anew.
        """
        for directory in (self._layout.config, self._layout.logs, self._layout.run):
            private_directory(directory)
        write_private(self._config, render(self._layout, processes))
        if self.alive():
            self._reconcile()
        else:
            self._launch(environment)

    def states(self) -> dict[str, ProcessState]:
        """Every process by name; empty when supervisord is not running."""
        if self.pid is None:
            return {}
        try:
            infos = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        except (OSError, xmlrpc.client.Error):
            return {}
        return {state.name: state for state in map(ProcessState.parse, infos)}

    def start(self, name: str) -> None:
        """Start one process without waiting for it."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise UserError(f"{name} cannot be started: {fault.faultString}") from None

    def stop(self, name: str) -> None:
        """Ask one process to stop, without waiting for it."""
        try:
            self._call("stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise UserError(f"{name} cannot be stopped: {fault.faultString}") from None

    def shutdown(self, limit: float = 30.0) -> None:
        """End supervisord and whatever it still runs."""
        pid = self.pid
        if pid is None:
            return
        try:
            process = psutil.Process(pid)
            process.terminate()
            process.wait(timeout=limit)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            process.kill()

    def _call(self, method: str, *arguments: object) -> Any:  # whatever supervisord answers
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._socket}")
        with closing(transport):
            server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(server.supervisor, method)(*arguments)

    def _launch(self, environment: Mapping[str, str]) -> None:
        self._socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)]
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, check=False, cwd="/", timeout=_START_SECONDS
        )
        if done.returncode != 0:
            raise UserError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}")
        deadline = time.monotonic() + _START_SECONDS
        while not self.alive():
            if time.monotonic() > deadline:
                raise UserError(f"supervisord does not answer on {self._socket}; see {self._log}")
            time.sleep(0.05)

    def _reconcile(self) -> None:
        try:
            added, changed, removed = self._call("reloadConfig")[0]
            for name in [*changed, *removed]:
                self._call("stopProcessGroup", name)
                self._call("removeProcessGroup", name)
            for name in [*added, *changed]:
                self._call("addProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            raise UserError(f"supervisord does not take its new configuration: {fault.faultString}") from None

    @property
    def _log(self) -> Path:
        return self._layout.logs / "supervisord.log"


def render(layout: Layout, processes: Iterable[Process]) -> str:
    """The supervisord configuration of these processes."""
    user = "user=root\n" if os.geteuid() == 0 else ""
    head = f"""\
[supervisord]
nodaemon=false
{user}directory=/
umask=022
pidfile={_text(str(layout.run / "supervisord.pid"))}
logfile={_text(str(layout.logs / "supervisord.log"))}
logfile_maxbytes=5MB
logfile_backups=2
nocleanup=true

[unix_http_server]
file={_text(str(layout.run / "supervisor.sock"))}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return "\n".join([head, *(_section(layout, process) for process in processes)])


def _section(layout: Layout, process: Process) -> str:
    digest = hashlib.sha256()
    for file in process.files:
        digest.update(file.read_bytes())
    # A changed configuration file changes the environment, and supervisord restarts what has changed.
    environment = {**process.environment, "BIGHPC_CONFIG_DIGEST": digest.hexdigest()[:16]}
    settings = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(environment.items()))
    return f"""\
[program:{process.name}]
command={_text(shlex.join(process.command))}
environment={_text(settings)}
autostart=false
autorestart=true
startsecs=5
startretries=10
stopsignal=TERM
stopwaitsecs={process.stop_limit}
killasgroup=true
redirect_stderr=true
stdout_logfile={_text(str(layout.logs / f"{process.name}.log"))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def _quoted(value: str) -> str:
    """A value of a dictionary; supervisord knows two kinds of quotes and no way to escape them.

    Raises:
        ValueError: when the value cannot be quoted.
    """
    quote = "'" if '"' in value else '"'
    if quote in value or value != value.strip("'\""):
        raise ValueError(f"{value!r}: quotes cannot be mixed or outermost in a process's environment")
    return f"{quote}{value}{quote}"


def _text(value: str) -> str:
    """One value of supervisord's configuration language, in which % expands and `` ;`` or `` #`` begins a comment.

    Raises:
        ValueError: when the value cannot be written in that language.
    """
    if "\n" in value or any(f" {mark}" in value for mark in ";#"):
        raise ValueError(f"{value!r}: no line breaks, no ' ;' and no ' #' in a process's command or environment")
    return value.replace("%", "%%")
