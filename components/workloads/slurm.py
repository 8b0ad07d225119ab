"""A workload as a Slurm batch script. Pure.

Nothing that people write can end a directive or a word of the shell: directives take names that the workload's own
rules limit, and everything else is quoted.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from typing import Final

from pydantic import Field

from components.kubernetes.hardware_spec import ProfileName
from components.spec import DnsLabel, LabelValue, Spec, quantity_value
from components.vocabulary import ACCELERATOR_LABEL
from components.workloads.workload_spec import Site, WorkloadSpec, per_node

__all__ = ["SlurmSpec", "batch_script"]

_MEBIBYTE: Final = 2**20
_TO_TASKS: Final = "export SLURM_EXPORT_ENV=ALL\n"
"""The script starts with an environment of its own; what it exports is for its tasks."""
_NUMBER: Final = 'export JOB_COMPLETION_INDEX="${SLURM_ARRAY_TASK_ID:-$SLURM_PROCID}"; exec "$@"'


class SlurmSpec(Spec):
    """What a site's Slurm is like."""

    containers: bool = True
    """Whether its nodes have Apptainer; without it, the command runs on the node as it is."""
    accelerator: DnsLabel = "gpu"
    """The generic resource (GRES) of its accelerators."""
    constraints: dict[ProfileName, LabelValue] = Field(default_factory=dict)
    """The feature of the nodes of each hardware profile, where partitions hold several kinds of nodes."""


def batch_script(spec: WorkloadSpec, site: Site, slurm: SlurmSpec) -> str:
    """Return the script for ``sbatch``; the workload fits the site (see ``workload_violations``)."""
    directives = "".join(f"#SBATCH --{line}\n" for line in _directives(spec, site, slurm))
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in spec.env.items())
    # srun starts every task, and ends all of them when one fails.
    run = shlex.join(["srun", "--kill-on-bad-exit=1", "--", *_numbered(spec), *_container(spec, slurm), *spec.command])
    return f"#!/bin/bash\n{directives}set -euo pipefail\n{_TO_TASKS}{exports}{_tried(run, spec.retries)}"


def _tried(run: str, retries: int) -> str:
    """The script tries again by itself; all tries share the wall time."""
    if not retries:
        return f"exec {run}\n"
    return (
        f"tried=0\nuntil {run}; do\n  code=$?\n  tried=$((tried + 1))\n  [ $tried -le {retries} ] || exit $code\ndone\n"
    )


def _numbered(spec: WorkloadSpec) -> list[str]:
    """A task finds its number where Kubernetes puts it too."""
    if max(spec.tasks, spec.array) == 1:
        return []
    return ["bash", "-c", _NUMBER, "bash"]


def _directives(spec: WorkloadSpec, site: Site, slurm: SlurmSpec) -> Iterator[str]:
    profile = site.profiles[spec.profile]
    nodes = math.ceil(spec.tasks / per_node(spec, profile))
    tasks_per_node = math.ceil(spec.tasks / nodes)
    memory = math.ceil(quantity_value(spec.memory) * tasks_per_node / _MEBIBYTE)
    yield f"job-name={spec.name}"
    yield f"comment={site.environment}/{spec.owner}"
    yield f"partition={spec.queue}"
    yield f"nodes={nodes}"
    yield f"ntasks={spec.tasks}"
    yield f"ntasks-per-node={tasks_per_node}"
    yield f"cpus-per-task={spec.cores}"
    yield f"mem={memory}M"
    if spec.accelerators:
        model = profile.node(spec.profile)["labels"].get(ACCELERATOR_LABEL)
        kind = f"{slurm.accelerator}:{model}" if model else slurm.accelerator
        yield f"gres={kind}:{spec.accelerators * tasks_per_node}"
    if feature := slurm.constraints.get(spec.profile):
        yield f"constraint={feature}"
    # Slurm rounds up to minutes.
    yield f"time={_clock(spec.seconds)}"
    if spec.array > 1:
        yield f"array=0-{spec.array - 1}"
    # After the failure of a node; the script itself tries again after one of a task.
    yield "requeue" if spec.retries else "no-requeue"
    # What the submitting shell has set, secrets among it, is not for the job.
    yield "export=NIL"


def _container(spec: WorkloadSpec, slurm: SlurmSpec) -> list[str]:
    if not slurm.containers:
        return []
    accelerated = ["--nv"] if spec.accelerators else []
    return ["apptainer", "exec", "--contain", *accelerated, f"docker://{spec.image}"]


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
