"""A PostgreSQL server of the test's own, on loopback, with a password."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tests.free_ports import free_port

__all__ = ["Postgres", "initdb", "running_postgres"]

_USER = "pulumi"
_LIMIT = 60  # seconds for starting or stopping


def initdb() -> Path | None:
    """The command that makes a server's data; Debian keeps it in a directory per version."""
    found = shutil.which("initdb")
    candidates = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return candidates[-1].resolve() if candidates else None


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running server, and how to stop and start it again."""

    commands: Path
    data: Path
    port: int
    password_file: Path
    """As ``PGPASSFILE`` expects it: the password is in no address and on no command line."""

    @property
    def url(self) -> str:
        """The address of a state backend in it."""
        return f"postgres://{_USER}@127.0.0.1:{self.port}/postgres?sslmode=disable"

    @property
    def environment(self) -> dict[str, str]:
        """What the engine needs to keep its state there."""
        return {"PULUMI_BACKEND_URL": self.url, "PGPASSFILE": str(self.password_file)}

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        self._control("start", "-o", options, "-l", str(self.data.parent / "log"))

    def stop(self) -> None:
        """Stop the server, breaking off what its clients do."""
        self._control("stop", "-m", "immediate")

    @property
    def secret(self) -> str:
        """The password."""
        return self.password_file.read_text().strip().rpartition(":")[2]

    def stored(self) -> bytes:
        """Everything that the engine keeps there."""
        rows = self._query("select data ->> 'data' from pulumi_state").split()
        return b"".join(map(base64.b64decode, rows))

    def _query(self, statement: str) -> str:
        environment = {**os.environ, "PGPASSFILE": str(self.password_file)}
        command = [str(self.commands / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER]
        command += ["-d", "postgres", "-tAc", statement]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    def _control(self, *arguments: str) -> None:
        command = [str(self.commands / "pg_ctl"), "-D", str(self.data), "-w", "-t", str(_LIMIT), *arguments]
        # The server keeps its output: a pipe would never end.
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.data.parent, **_as_owner())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server with data of its own for the length of the block."""
    found = initdb()
    assert found is not None, "PostgreSQL is missing: run `python -m tests.packages integration`"
    with tempfile.TemporaryDirectory(prefix="bighpc-postgres-") as root:
        server = _create(found, Path(root))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _create(command: Path, root: Path) -> Postgres:
    home = root / "server"
    home.mkdir()
    secret = home / "password"
    secret.write_text(password := secrets.token_hex(16))
    owner = _as_owner()
    if owner:
        # Its owner has to get there.
        root.chmod(0o711)
        for path in (home, secret):
            shutil.chown(path, owner["user"], owner["group"])
    arguments = ["-D", str(home / "data"), "-U", _USER, "--auth=scram-sha-256", f"--pwfile={secret}"]
    subprocess.run([str(command), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=home, **owner)
    port = free_port()
    password_file = root / "pgpass"
    password_file.touch(mode=0o600)
    password_file.write_text(f"127.0.0.1:{port}:*:{_USER}:{password}\n")
    return Postgres(commands=command.parent, data=home / "data", port=port, password_file=password_file)


class _Owner(TypedDict, total=False):
    user: str
    group: str


def _as_owner() -> _Owner:
    """Who the server runs as: it refuses to be root."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
