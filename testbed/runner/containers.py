"""The container executor: jobs with an image, on the testbed's containerd."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from testbed.files import write_private
from testbed.runner.executors import Wish
from testbed.runner.model import Image
from testbed.runner.processes import WITH_US, run
from testbed.runner.scripts import SHELL
from testbed.runner.stop import JobError, Stop
from testbed.runner.workspace import Workspace

__all__ = ["Container", "Runtime"]

NAMESPACE = "bighpc-jobs"
"""containerd's namespace for jobs: the kubelet sees nothing of them, nor they of its containers."""

_DROPPED = ("CAP_NET_RAW", "CAP_MKNOD", "CAP_AUDIT_WRITE")
"""Of what containers usually may; with the first, one would see all traffic of the host's network."""

_CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
"""Variables that name a file which a container has to have then."""

_OF_THE_MACHINE = frozenset({"SSL_CERT_DIR"})
"""Variables that mean nothing in a container."""

_PULL_LIMIT = 300
_SHORT_LIMIT = 30


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How containerd is reached and what a job may use of the machine."""

    command: tuple[str, ...]
    """Runs ``ctr`` where it sees containerd, with the socket's address."""
    registry: str
    """Host in the names of images; only its images are run."""
    aliases: tuple[str, ...]
    """Other names of the same registry."""
    hosts: Path
    """Directory that tells ``ctr`` where the registry is."""
    snapshotter: str
    cgroup: str
    """Below which every job has its own."""
    memory_bytes: int = 2 * 1024**3
    cpus: float = 1.0
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What a site's jobs need to fetch anything: proxies, package indexes, certificates."""

    @classmethod
    def load(cls, file: Path, environment: Mapping[str, str]) -> Self:
        """Read what ``testbed.forge`` wrote.

        Args:
            file: written there.
            environment: of all jobs, before their own variables.

        Raises:
            OSError: when the file cannot be read.
        """
        facts = json.loads(file.read_text())
        return cls(
            **{
                **facts,
                "command": tuple(facts["command"]),
                "aliases": tuple(facts["aliases"]),
                "hosts": Path(facts["hosts"]),
                "environment": {key: value for key, value in environment.items() if key not in _OF_THE_MACHINE},
            }
        )

    @property
    def files(self) -> list[str]:
        """Files of this machine that every container sees: how names are resolved, and whom the site trusts."""
        named = [self.environment.get(name, "") for name in _CERTIFICATES]
        trusted = [path for path in named if Path(path).is_file()]
        return list(dict.fromkeys(["/etc/resolv.conf", "/etc/hosts", *trusted]))

    def reference(self, name: str) -> str:
        """The full name of an image in the testbed's registry.

        Raises:
            JobError: for an image of another registry.
        """
        host, slash, rest = name.partition("/")
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            host, rest = self.registry, name
        if host not in (self.registry, *self.aliases):
            raise JobError(
                f"image {name}: it is of registry {host}, and only images of {self.registry} run here; "
                f"copy it there with `crane copy`",
                "image_pull_failure",
            )
        tagged = rest if ":" in rest.rpartition("/")[2] or "@" in rest else f"{rest}:latest"
        return f"{self.registry}/{tagged}"

    def ctr(self, *arguments: str, limit: int = _SHORT_LIMIT) -> str:
        """Ask containerd for something.

        Raises:
            JobError: when it refuses or takes too long.
        """
        command = [*self.command, "--namespace", NAMESPACE, *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=limit, env=_environment()
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise JobError(f"containerd: {type(error).__name__}") from None
        if done.returncode != 0:
            raise JobError(f"containerd: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def clear(self) -> None:
        """End and remove all containers of jobs; those of a runner that was killed are still there."""
        for name in self.ctr("containers", "list", "--quiet").split():
            self.remove(name)

    def remove(self, name: str) -> None:
        """End a container and remove it, as far as it is there."""
        for attempt in (("tasks", "kill", "--all", "--signal", "SIGKILL"), ("tasks", "delete", "--force")):
            _try(self, *attempt, name)
        _try(self, "containers", "delete", name)


@dataclass
class Container:
    """One image, in which each script has a container of its own."""

    runtime: Runtime
    image: Image
    workspace: Workspace
    job_id: int
    title: str = field(init=False)
    _reference: str = field(init=False, default="")
    _count: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Name the image for the log."""
        self.title = f"Preparing the container executor with image {self.image.name}"

    def prepare(self, stop: Stop) -> None:
        """Fetch the image."""
        self._reference = self.runtime.reference(self.image.name)
        stop.check()
        try:
            self.runtime.ctr(
                "images",
                "pull",
                "--hosts-dir",
                str(self.runtime.hosts),
                "--snapshotter",
                self.runtime.snapshotter,
                self._reference,
                limit=_PULL_LIMIT,
            )
        except JobError as error:
            raise JobError(f"image {self._reference} cannot be pulled: {error}", "image_pull_failure") from None

    def run(self, wish: Wish) -> int:
        """Run a script with the image's bash or sh, as the image's user."""
        self._count += 1
        name = f"job-{self.job_id}-{self._count}"
        try:
            return run(
                [*WITH_US, *self.runtime.command, "--namespace", NAMESPACE, *self._arguments(name, wish)],
                environment=_environment(),
                directory=Path("/"),
                output=wish.output,
                seconds=wish.seconds,
                stop=wish.stop,
            )
        finally:
            self.runtime.remove(name)

    def _arguments(self, name: str, wish: Wish) -> list[str]:
        root, runtime = self.workspace.root, self.runtime
        pipes = self.workspace.guard / "pipes"
        pipes.mkdir(mode=0o700, exist_ok=True)
        mounts = [f"type=bind,src={root},dst={root},options=rbind:rw"]
        mounts += [f"type=bind,src={path},dst={path},options=rbind:ro" for path in runtime.files]
        # Not as arguments, which everybody on the machine sees: an index's address may have a password in it.
        environment = self.workspace.guard / "environment"
        lines = {**runtime.environment, **wish.variables}.items()
        write_private(environment, "".join(f"{key}={value}\n" for key, value in lines))
        return [
            *("run", "--rm", "--snapshotter", runtime.snapshotter, "--fifo-dir", str(pipes)),
            *("--cgroup", f"{runtime.cgroup}/{name}", "--memory-limit", str(runtime.memory_bytes)),
            *("--cpus", str(runtime.cpus), "--seccomp", "--cwd", str(self.workspace.checkout)),
            *(word for capability in _DROPPED for word in ("--cap-drop", capability)),
            # The double answers on the host's loopback alone, and jobs call it.
            *("--with-ns", f"network:/proc/{os.getpid()}/ns/net"),
            *(word for mount in mounts for word in ("--mount", mount)),
            *("--env-file", str(environment)),
            *(self._reference, name, *(self.image.entrypoint or ()), "sh", "-c", SHELL, str(wish.script)),
        ]


def _try(runtime: Runtime, *arguments: str) -> None:
    try:
        runtime.ctr(*arguments)
    except JobError:
        return  # It is not there, or ends by itself: the next attempt, or the next start, removes it.


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath)}
