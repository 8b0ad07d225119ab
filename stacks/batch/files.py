"""Reading a workload's file, and checking it against the stack that it is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.workloads.job import job
from components.workloads.queues import QueueType, WorkloadsSpec
from components.workloads.slurm import batch_script
from components.workloads.workload_spec import Site, WorkloadSpec, workload_violations
from stacks.check import ROOT, read_stack
from stacks.documents import read_mapping, validate
from stacks.environments import Environment
from stacks.problems import Collector, ConfigurationError
from stacks.settings import StackSettings, stack_file

__all__ = ["Batch", "read_batch", "site_of"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A workload that fits the site where it is to run."""

    spec: WorkloadSpec
    site: Site
    workloads: WorkloadsSpec

    def as_job(self) -> dict[str, Any]:
        """Return it as a Kubernetes Job."""
        return job(self.spec, self.site, kueue=self.workloads.type is QueueType.KUEUE)

    def as_script(self) -> str:
        """Return it as a Slurm batch script."""
        return batch_script(self.spec, self.site, self.workloads.slurm)


def site_of(settings: StackSettings, environment: Environment) -> Site:
    """Return where the workloads of a stack run."""
    return Site(
        environment=environment.value,
        namespace=environment.namespace,
        profiles=settings.testbed.hardware,
        queues=settings.workloads.queues,
    )


def read_batch(path: Path, environment: Environment, root: Path = ROOT) -> Batch:
    """Return the workload of a file.

    Args:
        path: the file.
        environment: the environment whose hardware and queues it asks for.
        root: the directory with the stack files.

    Raises:
        ConfigurationError: with everything that is wrong in the file, and with the stack.
    """
    collector = Collector()
    settings = collector.attempt(read_stack, root / stack_file(environment.stack))
    content = collector.attempt(read_mapping, path, path.name)
    spec = None if content is None else collector.attempt(validate, WorkloadSpec, content, path.name)
    if settings is None or spec is None:
        raise ConfigurationError(collector.problems)
    site = site_of(settings, environment)
    collector.refuse_all(path.name, workload_violations(spec, site))
    collector.close()
    return Batch(spec=spec, site=site, workloads=settings.workloads)
