"""A batch job as data, and whether an environment has the hardware and the queue that it asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from components import naming
from components.invariants import Violation
from components.invariants.workloads import container_environment_holds_no_secret, image_has_a_version
from components.kubernetes.hardware_spec import HardwareProfileSpec, ProfileName
from components.spec import (
    DnsLabel,
    Quantity,
    Refused,
    Repeated,
    Spec,
    VariableKey,
    quantity_value,
    refusal,
    refuse_all,
    ruled,
)

__all__ = ["Site", "WorkloadSpec", "at_once", "per_node", "seconds_of", "workload_violations"]

LONGEST_S: Final = 30 * 24 * 3600
"""The longest wall time in seconds: thirty days."""

_CLOCK: Final = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)")
_UNITS: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?")
_IMAGE: Final = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}")


def seconds_of(text: str) -> int:
    """Return the seconds that a wall time such as ``01:30:00``, ``90m`` or ``1h30m`` stands for.

    Raises:
        ValueError: when it is none, or not between a second and thirty days.
    """
    match = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"{text!r} is not a wall time")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 < total <= LONGEST_S:
        raise ValueError(f"{text!r} is not between a second and thirty days")
    return total


def _is_wall_time(text: str) -> bool:
    try:
        return seconds_of(text) > 0
    except ValueError:
        return False


def _no_number(value: Any) -> Any:
    if type(value) is int:
        raise refusal(
            "YAML reads hours:minutes:seconds without quotes as one number", "put quotes around it: '01:30:00'"
        )
    return value


def _has_version(image: str) -> str:
    for found in image_has_a_version("image", image):
        raise refusal(f"{found.rule} Here, {found.value}", found.remedy)
    return image


WallTime = Annotated[
    str,
    BeforeValidator(_no_number),
    ruled(
        _is_wall_time,
        "a time of at most thirty days: hours:minutes:seconds, or numbers with h, m and s",
        "write a time such as '01:30:00', '90m' or '1h30m'",
    ),
]
"""How long a job may run before it is ended."""
Image = Annotated[
    str,
    ruled(
        lambda value: _IMAGE.fullmatch(value) is not None,
        "a container image: registry, path, and ':' with a tag or '@' with a digest",
        "use an image such as 'registry.example.org/solver:1.4.2'",
    ),
    AfterValidator(_has_version),
]
JobName = Annotated[
    str,
    ruled(
        lambda value: naming.is_dns_label(value) and len(value) <= 52,
        "1 to 52 lower-case letters, digits and inner hyphens: Kubernetes adds an index of its own",
        "use a name such as 'flow-solver'",
    ),
]
Argument = Annotated[
    str,
    ruled(
        lambda value: "\0" not in value and len(value) <= 32_768,
        "a text of at most 32768 characters without the character NUL",
        "pass long input as a file",
    ),
]


class WorkloadSpec(Spec):
    """A batch job: what runs, on how much of which hardware, and for how long."""

    name: JobName
    owner: DnsLabel
    image: Image
    command: Annotated[tuple[Argument, ...], Repeated] = Field(min_length=1)
    """The program and its arguments; no shell reads it."""
    env: dict[VariableKey, Argument] = Field(default_factory=dict)
    tasks: int = Field(default=1, ge=1, le=10_000)
    """Processes of one job that run at the same time; each knows its number."""
    array: int = Field(default=1, ge=1, le=10_000)
    """Runs that do not need each other; each knows its number."""
    cores: int = Field(ge=1, le=4096)
    """Of one task."""
    memory: Quantity
    """Of one task."""
    accelerators: int = Field(default=0, ge=0, le=64)
    """Of one task."""
    profile: ProfileName
    """The hardware profile that it runs on."""
    queue: DnsLabel = "batch"
    wall_time: WallTime
    simulated_time: WallTime | None = None
    """How long it seems to run on simulated nodes; real ones, and Slurm, do not look at it."""
    retries: int = Field(default=0, ge=0, le=10)
    """How often a failed task, or a failed run of an array, is tried again."""

    @model_validator(mode="after")
    def _one_shape(self) -> WorkloadSpec:
        refuse_all("WorkloadSpec", self._contradictions())
        return self

    def _contradictions(self) -> Iterator[Refused]:
        if self.tasks > 1 and self.array > 1:
            rule = f"a job has many tasks or is an array; tasks is {self.tasks} and array is {self.array}"
            yield ("array",), self.array, refusal(rule, "leave one of them out")
        if quantity_value(self.memory) < 2**20:
            rule = f"a task has at least 1Mi of memory, not {self.memory}"
            yield ("memory",), self.memory, refusal(rule, "write an amount such as '8Gi'")
        for name, value in self.env.items():
            variable = {"name": name, "value": value}
            for found in container_environment_holds_no_secret("env", {"env": [variable]}):
                # Its value may be a secret.
                rule = f"{found.rule} Here, {found.value}"
                yield ("env", name), name, refusal(rule, "Leave it out, and read it from a file or a Secret.")

    @property
    def seconds(self) -> int:
        """The wall time in seconds."""
        return seconds_of(self.wall_time)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where workloads run: an environment's hardware and queues."""

    environment: str
    namespace: str
    profiles: Mapping[str, HardwareProfileSpec]
    queues: Sequence[str]


def per_node(spec: WorkloadSpec, profile: HardwareProfileSpec) -> int:
    """Return how many tasks fit one node of a profile at the same time."""
    have = profile.accelerators.count if profile.accelerators else 0
    fits = [profile.cores // spec.cores, int(quantity_value(profile.memory) // quantity_value(spec.memory))]
    if spec.accelerators:
        fits.append(have // spec.accelerators)
    return min(*fits, profile.pods)


def at_once(spec: WorkloadSpec, profile: HardwareProfileSpec) -> int:
    """Return how many of its tasks or runs the whole profile takes at the same time."""
    return min(max(spec.tasks, spec.array), per_node(spec, profile) * profile.nodes)


def workload_violations(spec: WorkloadSpec, site: Site) -> Iterator[Violation]:
    """Yield what a workload asks for and the site does not have: queue, profile, a node large enough, enough nodes."""
    subject = f"Workload {spec.name}"
    if spec.queue not in site.queues:
        yield Violation(
            subject=subject,
            value=f"queue {spec.queue} is not in {site.environment}",
            rule=f"A queue is one of: {', '.join(sorted(site.queues)) or 'there is none'}.",
            remedy="Use one of them, or add it to workloads.queues of the stack's file.",
        )
    profile = site.profiles.get(spec.profile)
    if profile is None:
        yield Violation(
            subject=subject,
            value=f"profile {spec.profile} is not in {site.environment}",
            rule=f"A hardware profile is one of: {', '.join(sorted(site.profiles)) or 'there is none'}.",
            remedy="Use one of them, or add it to testbed.hardware of the stack's file.",
        )
        return
    too_large = list(_larger_than_a_node(subject, spec, profile))
    yield from too_large
    most = per_node(spec, profile) * profile.nodes
    if not too_large and spec.tasks > most:
        yield Violation(
            subject=subject,
            value=f"{spec.tasks} tasks of this size",
            rule=f"All tasks run at the same time; all nodes of {spec.profile} ({profile.nodes}) take {most}.",
            remedy="Ask for fewer or smaller tasks, or make it an array, whose runs wait for each other.",
        )


def _larger_than_a_node(subject: str, spec: WorkloadSpec, profile: HardwareProfileSpec) -> Iterator[Violation]:
    accelerators = profile.accelerators.count if profile.accelerators else 0
    asked: tuple[tuple[str, str, Decimal, str, Decimal], ...] = (
        ("cores", str(spec.cores), Decimal(spec.cores), str(profile.cores), Decimal(profile.cores)),
        ("memory", spec.memory, quantity_value(spec.memory), profile.memory, quantity_value(profile.memory)),
        ("accelerators", str(spec.accelerators), Decimal(spec.accelerators), str(accelerators), Decimal(accelerators)),
    )
    for what, shown, amount, limit, most in asked:
        if amount > most:
            yield Violation(
                subject=subject,
                value=f"{what} {shown}",
                rule=f"A task fits one node; a node of {spec.profile} has {what} {limit}.",
                remedy=f"Lower {what}, or use a profile with larger nodes.",
            )
