"""Names in a stack file that stand for something elsewhere: whether it is there."""

from __future__ import annotations

from components.workloads.kueue import MOST_FLAVORS
from components.workloads.queues import QueueType
from stacks.environments import Environment
from stacks.problems import Collector, show
from stacks.settings import StackSettings

__all__ = ["check_names"]


def check_names(settings: StackSettings, where: str, collector: Collector) -> None:
    """Check the hardware that batch queues and Slurm's constraints are for, and the environments of Argo CD's teams.

    Args:
        settings: the stack's settings.
        where: the file that they came from.
        collector: gets the problems.
    """
    profiles = settings.testbed.hardware
    if settings.workloads.type is QueueType.KUEUE and not 1 <= len(profiles) <= MOST_FLAVORS:
        collector.refuse(
            f"{where}, workloads.type",
            f'value "{QueueType.KUEUE}" with {len(profiles)} profiles in testbed.hardware',
            f"Kueue hands out what hardware profiles have: 1 to {MOST_FLAVORS} of them",
            "add hardware profiles, or make fewer of them; or leave jobs to the scheduler with type none",
        )
    for name in settings.workloads.slurm.constraints:
        if name not in profiles:
            collector.refuse(
                f"{where}, workloads.slurm.constraints.{name}",
                f"value {show(name)}",
                f"a profile of testbed.hardware: {', '.join(sorted(profiles)) or 'there is none'}",
                "use one of them, or add it there",
            )
    configuration = settings.argocd.configuration
    for team, spec in configuration.teams.items() if configuration else ():
        for position, name in enumerate(spec.environments):
            if name not in {*Environment}:
                collector.refuse(
                    f"{where}, argocd.configuration.teams.{team}.environments.{position}",
                    f"value {show(name)}",
                    f"an environment: {', '.join(Environment)}",
                    "use one of them",
                )
