"""What was found, for people: on the terminal, in a file and in an issue."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.drift.finding import Cause, Finding, StackDrift, proposals
from gitops.markdown import cell, fenced
from gitops.pulumi.difference import property_lines

__all__ = ["commands", "details", "terminal"]

_MEANING = {
    Cause.NOT_DEPLOYED: "The program asks for something else than what the last update recorded.",
    Cause.CHANGED: "`-` is what is recorded, `+` what is there.",
    Cause.DELETED: "It is recorded, and not there.",
    Cause.UNDECLARED: "It is there, and no stack's state has it.",
    Cause.UNSYNCED: "Argo CD applied something else than what is there.",
}


def terminal(drift: StackDrift) -> Iterator[str]:
    """Yield the lines for the terminal."""
    if drift.errors:
        yield f"{drift.stack}: could not be told ({drift.seconds:.0f} s)"
    elif drift.findings:
        yield f"{drift.stack}: {_counted(len(drift.findings))} ({drift.seconds:.0f} s)"
    else:
        yield f"{drift.stack}: no drift ({drift.seconds:.0f} s)"
    for error in drift.errors:
        yield from (f"  ! {line}" for line in error.splitlines())
    for cause, findings in drift.by_cause():
        yield f"  {cause}:"
        for finding in findings:
            yield f"    {finding.title}" + (f" ({finding.detail})" if finding.detail else "")
            yield from (f"    {line}" for change in finding.properties for line in property_lines(change))


def details(drift: StackDrift) -> Iterator[str]:
    """Yield the lines of the Markdown text; the same drift makes the same text."""
    if not drift.errors and not drift.findings:
        yield "No drift."
    if drift.errors:
        yield "**Not everything could be told**, so there may be more than this:"
        yield ""
        yield from fenced("\n".join(drift.errors))
        yield ""
    for cause, findings in drift.by_cause():
        yield f"#### {len(findings)} {cause}"
        yield ""
        yield _MEANING[cause]
        yield ""
        for finding in findings:
            yield f"- **{finding.type}** {cell(_named(finding))}"
            lines = [line for change in finding.properties for line in property_lines(change)]
            if lines:
                yield ""
                yield from (f"  {line}" for line in fenced("\n".join(lines), "diff"))
                yield ""
        yield ""


def commands(drift: StackDrift) -> Iterator[str]:
    """Yield what would resolve each finding, as Markdown that reads well on a terminal too."""
    for _, findings in drift.by_cause():
        for finding in findings:
            yield f"- {finding.title}"
            yield from (f"  - {proposal}" for proposal in _proposals(drift, finding))


def _proposals(drift: StackDrift, finding: Finding) -> tuple[str, ...]:
    return proposals(drift.stack, finding, drift.keeping.get(finding.urn, ""))


def _named(finding: Finding) -> str:
    where = f" in {finding.where}" if finding.where else ""
    return f"{finding.name}{where}" + (f" ({finding.detail})" if finding.detail else "")


def _counted(number: int) -> str:
    return "1 object drifted" if number == 1 else f"{number} objects drifted"
