"""A Slurm of the test's own on loopback: munged, slurmctld and one slurmd, with keys, ports and files of their own."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.free_ports import free_ports

__all__ = ["Slurm", "running_slurm"]

_LIMIT = 30  # seconds for the node to be ready
_PARTITION = "batch"
_NOT_RUNNING = frozenset({"PENDING", "CONFIGURING"})
_NOT_OVER = frozenset({"RUNNING", "COMPLETING"})


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """A running Slurm, and how to ask it."""

    root: Path
    environment: Mapping[str, str]
    """What its commands run in; finds this Slurm and no other."""

    def run(self, *command: str, script: str | None = None) -> str:
        """Run one of its commands; returns what it printed."""
        done = subprocess.run(
            command,
            env=dict(self.environment),
            input=script,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root,
            timeout=30,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, script: str) -> str:
        """Hand a batch script in; returns the job's number."""
        return self.run("sbatch", "--parsable", script=script)

    def running(self, job: str) -> dict[str, str]:
        """What Slurm says about a job once it runs."""
        (found,) = self._left(job, _NOT_RUNNING, _LIMIT)
        return found

    def finished(self, job: str, limit: float = _LIMIT) -> list[dict[str, str]]:
        """What Slurm says about a job, or each run of an array, once it is over."""
        return self._left(job, _NOT_RUNNING | _NOT_OVER, limit)

    def _left(self, job: str, states: frozenset[str], limit: float) -> list[dict[str, str]]:
        deadline = time.monotonic() + limit
        while True:
            text = self.run("scontrol", "--oneliner", "show", "job", job)
            found = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in text.splitlines()]
            if not states & {each["JobState"] for each in found}:
                return found
            assert time.monotonic() < deadline, f"after {limit} s job {job} is still {states}:\n{text}\n{self.logs()}"
            time.sleep(0.3)

    def output(self, name: str) -> str:
        """What a job printed."""
        return (self.root / f"slurm-{name}.out").read_text()

    def logs(self) -> str:
        """The last lines of its daemons."""
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(self.root.glob("*.log")))


@contextmanager
def running_slurm() -> Iterator[Slurm]:
    """A Slurm with one node of eight processors for the length of the block."""
    for command in ("munged", "slurmctld", "slurmd", "sbatch"):
        assert _program(command), f"{command} is missing: run `python -m tests.packages integration`"
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bighpc-slurm-")))
        root.chmod(0o755)
        for name in ("state", "spool"):
            (root / name).mkdir()
        configuration = root / "slurm.conf"
        configuration.write_text(_configuration(root))
        environment = {"PATH": os.environ["PATH"], "HOME": str(root), "SLURM_CONF": str(configuration)}
        slurm = Slurm(root=root, environment=environment)
        stack.enter_context(_munged(root))
        for daemon, *options in (("slurmctld", "-D", "-c"), ("slurmd", "-D", "-c", "-N", "node0")):
            stack.enter_context(_daemon(root, environment, _program(daemon), *options))
        _await_node(slurm)
        yield slurm


def _configuration(root: Path) -> str:
    controller, node = free_ports(2)
    host = socket.gethostname().partition(".")[0]
    # No cgroups: they are the machine's, and a test has no say over them.
    return f"""
ClusterName=bighpc
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=1,defer_batch=0
SchedulerType=sched/builtin
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
EnforcePartLimits=ALL
OverTimeLimit=0
InactiveLimit=0
MinJobAge=300
SlurmdParameters=config_overrides
NodeName=node0 NodeHostname={host} NodeAddr=127.0.0.1 Port={node} CPUs=8 RealMemory=4096
PartitionName={_PARTITION} Nodes=node0 Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def _munged(root: Path) -> Iterator[None]:
    key = root / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    files = {"key-file": key.name, "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munged.log"}
    options = [f"--{option}={root / name}" for option, name in files.items()]
    with _daemon(root, os.environ, _program("munged"), "--foreground", "--force", f"--seed-file={root}/seed", *options):
        _await((root / "munge.socket").exists, "munged has no socket", root)
        yield


@contextmanager
def _daemon(root: Path, environment: Mapping[str, str], program: str, *options: str) -> Iterator[None]:
    with (root / f"{Path(program).name}-said.log").open("w") as log:
        process = subprocess.Popen(
            [program, *options], env=dict(environment), stdout=log, stderr=subprocess.STDOUT, cwd=root
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_node(slurm: Slurm) -> None:
    def ready() -> bool:
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%t"],
            env=dict(slurm.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() == "idle"

    _await(ready, "the node is not idle", slurm.root)


def _await(ready: Callable[[], bool], reason: str, root: Path) -> None:
    deadline = time.monotonic() + _LIMIT
    while not ready():
        logs = "\n".join(path.read_text()[-2000:] for path in root.glob("*.log"))
        assert time.monotonic() < deadline, f"{reason} after {_LIMIT} s:\n{logs}"
        time.sleep(0.2)


def _program(name: str) -> str:
    # Debian keeps daemons off the PATH of people who are not root.
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or ""
