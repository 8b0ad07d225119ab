"""What a search for drift finds, and what would resolve it. No secret ever gets in here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from gitops.pulumi.plan import PropertyChange

__all__ = ["Cause", "Finding", "StackDrift", "proposals"]


@unique
class Cause(StrEnum):
    """Which of the comparisons fails."""

    NOT_DEPLOYED = "not deployed yet"
    """The program asks for something else than what is recorded."""
    CHANGED = "changed by hand"
    """What is recorded is there, but looks different."""
    DELETED = "deleted by hand"
    """What is recorded is not there any more."""
    UNDECLARED = "declared by no program"
    """What is there is in no stack's state."""
    UNSYNCED = "not as the environment repository says"
    """Argo CD applied something else than what is there."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object that drifted."""

    cause: Cause
    type: str
    """As people say it: ``Namespace``, ``Project``, ``group label``."""
    name: str
    where: str = ""
    """Namespace, group or project that it is in."""
    detail: str = ""
    """What there is to say beside the properties."""
    urn: str = ""
    """The resource in the stack's state; empty when there is none."""
    properties: tuple[PropertyChange, ...] = ()
    """From what is recorded to what is there; of `Cause.NOT_DEPLOYED` to what the program asks for."""
    agreed: bool = False
    """Whether program and reality say the same already, so that the record alone is out of date."""

    @property
    def title(self) -> str:
        """The object in a few words."""
        return f"{self.type} {self.name}" + (f" in {self.where}" if self.where else "")

    def as_json(self) -> dict[str, Any]:
        """The finding for programs."""
        return {
            "cause": self.cause.name.lower(),
            "type": self.type,
            "name": self.name,
            "where": self.where,
            "detail": self.detail,
            "urn": self.urn,
            "properties": [
                {"path": each.path, "kind": each.kind, "old": each.old, "new": each.new} for each in self.properties
            ],
        }


@dataclass(frozen=True, kw_only=True)
class StackDrift:
    """What was found of one stack."""

    stack: str
    findings: tuple[Finding, ...]
    errors: tuple[str, ...]
    """Why something could not be told; then there may be more drift than what was found."""
    seconds: float
    keeping: Mapping[str, str] = field(default_factory=dict)
    """How a changed value can be kept, or why nothing proposes that, by the resource's address."""

    def by_cause(self) -> Iterator[tuple[Cause, list[Finding]]]:
        """Yield the causes that occur, each with its findings."""
        for cause in Cause:
            found = [finding for finding in self.findings if finding.cause is cause]
            if found:
                yield cause, sorted(found, key=lambda each: (each.type, each.where, each.name))

    def as_json(self) -> dict[str, Any]:
        """The stack for programs."""
        findings = [finding.as_json() for _, found in self.by_cause() for finding in found]
        return {"stack": self.stack, "findings": findings, "errors": list(self.errors), "seconds": self.seconds}


def proposals(stack: str, finding: Finding, keeping: str = "") -> tuple[str, ...]:
    """Return the ways to resolve a finding, the one that makes reality follow git first. Nothing runs them.

    Args:
        stack: the stack's name.
        finding: what drifted.
        keeping: how a changed value can be kept, when somebody has looked for that.
    """
    # The API server keeps what somebody else wrote unless it is told that this is meant.
    force = "PULUMI_K8S_ENABLE_PATCH_FORCE=true " if _in_cluster(finding.urn) else ""
    again = f"{force}pulumi up --stack {stack} --refresh --target {shlex.quote(finding.urn)}"
    adopt = f"pulumi refresh --stack {stack} --target {shlex.quote(finding.urn)}"
    if finding.agreed:
        return (f"program and reality agree, record it: {adopt}",)
    match finding.cause:
        case Cause.NOT_DEPLOYED:
            return (f"deploy what git says: pulumi up --stack {stack}",)
        case Cause.CHANGED:
            write = keeping or "write the new value into the program or its data"
            return (f"undo the change: {again}", f"or keep it: {write}, then {adopt}")
        case Cause.DELETED:
            return (
                f"bring it back: {again}",
                f"or let it go: remove it from the program or its data, then {adopt}",
            )
        case Cause.UNDECLARED:
            return (
                f"remove {finding.title}, if nobody needs it",
                f"or declare it, and take it over: pulumi import --stack {stack}",
            )
        case Cause.UNSYNCED:
            return (
                f"let Argo CD apply the repository again: {finding.detail}",
                "or keep the change: commit it to the environment repository",
            )


def _in_cluster(urn: str) -> bool:
    """Whether a resource is a Kubernetes object: its type is the last one of the address's third part."""
    return "::" in urn and urn.split("::")[2].rpartition("$")[2].startswith("kubernetes:")
