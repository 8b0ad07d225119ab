"""The gate: the preview of the very commit, with the policies. A pipeline has it as a job; elsewhere it runs here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from gitlab.v4.objects import Project
from rich.console import Console

from gitops.checkout import git, tree_at
from gitops.errors import CommandError
from gitops.release.pipeline import Pipeline
from gitops.review.command import Wanted, review

__all__ = ["JOB", "Gate"]

JOB: Final = "gate"
"""The job of the platform's pipeline."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How a commit passes."""

    pipeline: Pipeline | None
    directory: Path
    """A checkout that has the commit; needed where no job is the gate."""
    out: Path
    """Where the reports go then."""
    limit_s: float
    """Seconds for the preview."""

    def check(self, project: Project, environment: str, commit: str, console: Console) -> None:
        """Refuse a commit that did not pass.

        Raises:
            CommandError: with the reason.
            gitlab.GitlabError: when GitLab refuses.
        """
        status = self._status(project, commit)
        if status is None:
            self._run(environment, commit, console)
        elif status != "success":
            raise CommandError(
                f"the job {JOB} of this pipeline is {status}: {commit[:8]} has not passed the gate",
                "Mend what it says with another commit, or run the job again if it could not run.",
            )

    def _status(self, project: Project, commit: str) -> str | None:
        """What became of the gate's job; nothing when this pipeline has none, or is another commit's."""
        if self.pipeline is None or self.pipeline.commit != commit:
            return None
        jobs = project.pipelines.get(self.pipeline.id, lazy=True).jobs.list(iterator=True)
        return next((str(each.status) for each in cast(Iterable[Any], jobs) if each.name == JOB), None)

    def _run(self, environment: str, commit: str, console: Console) -> None:
        try:
            git(self.directory, "cat-file", "-e", f"{commit}^{{commit}}")
        except CommandError:
            raise CommandError(
                f"no job {JOB} has looked at {commit[:8]}, and there is no checkout here that has it",
                "Run the command in a checkout of the platform repository, after: git fetch",
            ) from None
        out = self.out.resolve()
        console.print(f"gate: preview of {commit[:8]} with the policies", markup=False)
        with tree_at(self.directory, commit) as tree:
            wanted = Wanted(
                directory=tree,
                out=out,
                base=None,
                stacks=(environment,),
                refresh=False,
                limit_s=self.limit_s,
                target=None,
            )
            passed = review(wanted, console)
        if not passed:
            raise CommandError(
                f"{commit[:8]} does not pass the gate",
                f"Mend what is named above with another commit, or revert it: git revert {commit[:8]}",
            )
