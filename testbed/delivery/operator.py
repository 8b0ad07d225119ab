"""The Pulumi Kubernetes Operator as a supervised process, and what its runs of the platform's stacks need."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from testbed.context import Context
from testbed.environment import variables
from testbed.files import is_own_directory, private_directory, write_private
from testbed.layout import Layout, cache_directory
from testbed.probes import http_probe
from testbed.processes import Process
from testbed.stacks import ORDER

__all__ = ["OPERATOR_NAMESPACE", "credentials", "is_updating", "operator"]

OPERATOR_NAMESPACE = "pulumi-operator"

_OPERATOR = "pulumi-kubernetes-operator"
_STOP_LIMIT = 60  # seconds
_SCRATCH_BYTES = 1 << 30  # three checkouts, and the packages of new requirements while they are installed

# The first python3 on the operator's PATH.
_PYTHON = """\
#!{python}
import sys

from testbed.workspace_python import main

sys.exit(main(sys.argv[1:]))
"""


def credentials(context: Context) -> Iterator[dict[str, Any]]:
    """The secret of each environment's stack: what a person's shell has, but for the account that the run has.

    The run reaches the cluster as the account whose rights the program declares, not as the administrator.
    """
    shell = variables(context)
    names = shell["BIGHPC_OPERATOR_VARIABLES"].split(",")
    for stack in ORDER:
        account = f"system:serviceaccount:{OPERATOR_NAMESPACE}:pulumi-{stack}"
        values = {
            **shell,
            "KUBECONFIG": str(context.kubeconfig(f"operator-{stack}", user=account)),
            "PULUMI_CONFIG_PASSPHRASE": context.secret("pulumi-passphrase"),
        }
        yield {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": f"bighpc-{stack}-credentials",
                "namespace": OPERATOR_NAMESPACE,
                "labels": {"app.kubernetes.io/managed-by": "bighpc-testbed"},
            },
            "stringData": {name: values[name] for name in names},
        }


def operator(context: Context, after: tuple[str, ...]) -> Process:
    """The operator; what its runs need beside PATH they get from the secrets that their ``Stack`` objects name.

    Args:
        context: the testbed.
        after: what it waits for.
    """
    port = context.ports["operator-metrics"]
    kubeconfig = context.kubeconfig(_OPERATOR, user=f"system:serviceaccount:{OPERATOR_NAMESPACE}:{_OPERATOR}")
    home = private_directory(context.layout.data / "operator")
    return Process(
        name=_OPERATOR,
        command=(str(context.tools.path(_OPERATOR)), f"--kubeconfig={kubeconfig}"),
        version=context.tools.version(_OPERATOR),
        environment={
            # The packages of runs are kept beside the tools.
            "BIGHPC_CACHE": str(cache_directory()),
            "HOME": str(home),
            "METRICS_BIND_ADDRESS": f"127.0.0.1:{port}",
            "OPERATOR_NAME": _OPERATOR,
            # An update in work may end before the operator does.
            "GRACEFUL_SHUTDOWN_TIMEOUT_DURATION": f"{_STOP_LIMIT - 10}s",
            # Outside a cluster: no metrics Service that would point into it, and no second listener on every interface.
            "OSDK_FORCE_RUN_MODE": "local",
            "PATH": os.pathsep.join([str(_own_python(home)), context.search_path]),
            "PIP_CACHE_DIR": str(_pip_cache()),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "TMPDIR": str(_scratch(context.layout, home)),
            "WATCH_NAMESPACE": OPERATOR_NAMESPACE,
        },
        probe=http_probe(f"http://127.0.0.1:{port}/metrics"),
        stop_limit=_STOP_LIMIT,
        after=after,
    )


def is_updating(operator: psutil.Process) -> bool:
    """Whether the operator has the engine bring a stack up right now."""
    for child in operator.children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.Error:
            continue
        if words and Path(words[0]).name == "pulumi" and "up" in words[1:3]:
            return True
    return False


def _scratch(layout: Layout, home: Path) -> Path:
    """Where runs have their checkouts: in memory, as a pod has them in an ``emptyDir``, where there is room for them.

    A checkout is more than a thousand small files, twice; some disks take two seconds for that.
    """
    # What is there already stays in use: another place would restart the operator, whatever it does just then.
    if os.geteuid() == 0 and (os.path.lexists(layout.memory) or _has_room(layout.memory.parent)):
        with suppress(FileExistsError):
            layout.memory.mkdir(mode=0o700)
        if is_own_directory(layout.memory):
            return layout.memory
    return private_directory(home / "tmp")


def _has_room(memory: Path) -> bool:
    """Whether checkouts fit there and their environments' programs may run."""
    if not memory.is_dir():
        return False
    found = os.statvfs(memory)
    return found.f_bavail * found.f_frsize >= _SCRATCH_BYTES and not found.f_flag & os.ST_NOEXEC


def _own_python(home: Path) -> Path:
    """A directory with the python3 by which the operator makes virtual environments."""
    directory = private_directory(home / "bin")
    write_private(directory / "python3", _PYTHON.format(python=Path(sys.prefix) / "bin" / "python")).chmod(0o700)
    return directory


def _pip_cache() -> Path:
    """Where pip keeps what whoever brings the testbed up has downloaded already."""
    explicit = os.environ.get("PIP_CACHE_DIR")
    return Path(explicit) if explicit else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pip"
