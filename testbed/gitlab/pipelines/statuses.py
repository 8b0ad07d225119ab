"""How the statuses of jobs make the status of a stage or a pipeline. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

__all__ = ["ALIVE", "COMPLETED", "STARTED", "compose", "compose_needs"]

COMPLETED = frozenset({"success", "failed", "canceled", "skipped"})
"""Final, until somebody retries."""

ALIVE = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "manual", "scheduled"})
"""Can still be cancelled."""

STARTED = frozenset({"running", "success", "failed", "canceling"})
"""A runner has had it."""

_PASSED = frozenset({"success", "skipped", "warned", "ignored"})


class HasStatus(Protocol):
    """A job, as far as its status counts."""

    @property
    def status(self) -> str:
        """One of GitLab's statuses."""
        ...

    @property
    def allow_failure(self) -> bool:
        """Whether others go on without it."""
        ...


def compose(jobs: Iterable[HasStatus]) -> str:
    """The status of jobs taken together; no job at all is a success."""
    return _compose({_counted(job) for job in jobs})


def compose_needs(jobs: Iterable[HasStatus]) -> str:
    """The status of the jobs that another one needs: all must have run, not only those of a stage before."""
    found = {_counted(job) for job in jobs}
    if found & {"skipped", "ignored"}:
        return "skipped"
    if not found <= {"success", "failed", "canceled", "warned"}:
        return "pending"
    return _compose(found)


def _counted(job: HasStatus) -> str:
    if job.allow_failure and job.status in ("failed", "canceled"):
        return "warned"
    return "ignored" if job.allow_failure and job.status == "manual" else job.status


# Status of the whole when nothing but it and harmless statuses occurs; the first that fits counts.
_ALONE = (
    ("created", {"created", "warned", "ignored"}),
    ("preparing", {"preparing", "warned", "ignored"}),
)
_AMONG_DONE = (
    ("canceled", {"success", "skipped", "warned", "ignored", "canceled"}),
    ("pending", {"pending", "created", "skipped", "warned", "ignored"}),
)
# Status of the whole when one job has it; the first that occurs counts.
_ANY = (
    ("running", "running"),
    ("pending", "running"),
    ("waiting_for_resource", "waiting_for_resource"),
    ("manual", "manual"),
    ("scheduled", "scheduled"),
    ("preparing", "preparing"),
    ("created", "running"),
)


def _compose(found: set[str]) -> str:
    if found and found <= {"skipped", "ignored"}:
        return "skipped"
    if found <= _PASSED:
        return "success"
    for whole, parts in _ALONE:
        if found <= parts:
            return whole
    if "canceling" in found:
        return "canceling"
    for whole, parts in _AMONG_DONE:
        if found <= parts:
            return whole
    return next((whole for part, whole in _ANY if part in found), "failed")
