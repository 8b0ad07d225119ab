"""The variables that a job's scripts see."""

from __future__ import annotations

import re
from collections.abc import Mapping

from testbed.runner.model import Job
from testbed.runner.protocol import VERSION
from testbed.runner.workspace import Workspace

__all__ = ["expand", "job_variables"]

_REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)


def job_variables(job: Job, workspace: Workspace, *, containers: bool) -> dict[str, str]:
    """GitLab's variables of a job and ours, files written and references filled in.

    Not among them is ``CI_JOB_STATUS``, which changes from script to script.
    """
    own = {
        "CI_BUILDS_DIR": str(workspace.root / "builds"),
        "CI_PROJECT_DIR": str(workspace.checkout),
        "CI_CONCURRENT_ID": str(workspace.slot),
        "CI_CONCURRENT_PROJECT_ID": "0",
        "CI_RUNNER_VERSION": VERSION,
        "CI_RUNNER_REVISION": "testbed",
        "CI_DISPOSABLE_ENVIRONMENT": "true" if containers else "false",
        "CI_SHARED_ENVIRONMENT": "false" if containers else "true",
    }
    known = {**own, **{each.key: each.value for each in job.variables if each.key not in own}}
    for each in job.variables:
        if each.file:
            known[each.key] = str(workspace.write(f"variable-{each.key}", each.value))
        elif not each.raw and each.key in known:
            known[each.key] = expand(known[each.key], known)
    return known


def expand(text: str, known: Mapping[str, str]) -> str:
    """A text with its references to variables filled in; unknown ones stay."""
    return _REFERENCE.sub(lambda match: known.get(match[1] or match[2], match[0]), text)
