"""Whether the servers that a stack's JupyterHub offers fit the hardware of the stack's testbed."""

from __future__ import annotations

from collections.abc import Mapping

from components.jupyterhub.jupyterhub_spec import JupyterHubSpec
from components.kubernetes.hardware_spec import HardwareProfileSpec
from stacks.problems import Collector, show

__all__ = ["check_jupyterhub"]


def check_jupyterhub(
    hub: JupyterHubSpec | None, hardware: Mapping[str, HardwareProfileSpec], where: str, collector: Collector
) -> None:
    """Check the hardware that profiles name.

    Args:
        hub: what the stack file says; without it nothing is looked at.
        hardware: the testbed's profiles.
        where: the stack file.
        collector: gets the problems.
    """
    for name, profile in (hub.profiles if hub else {}).items():
        if profile.hardware is None:
            continue
        place = f"{where}, jupyterhub.profiles.{name}"
        if profile.hardware not in hardware:
            collector.refuse(
                f"{place}.hardware",
                f"value {show(profile.hardware)}",
                f"one of testbed.hardware: {', '.join(hardware) or 'there is none'}",
                "use one of them, or add it to testbed.hardware",
            )
            continue
        accelerators = hardware[profile.hardware].accelerators
        most = accelerators.count if accelerators else 0
        if profile.accelerators > most:
            collector.refuse(
                f"{place}.accelerators",
                f"value {profile.accelerators}",
                f"a server is on one node, and a node of {profile.hardware} has {most} accelerators",
                "lower accelerators, or choose other hardware",
            )
