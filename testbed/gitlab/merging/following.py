"""What merge requests do when something happens around them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.rules import Change
from testbed.gitlab.store import Pipeline, Project, User

__all__ = ["branch_changed", "pipeline_ended"]


def branch_changed(forge: Forge, session: Session, project: Project, user: User, change: Change) -> None:
    """Bring the open merge requests from and to a branch up to date, and start their pipelines.

    Called for every accepted change of a branch, in the transaction that records it.
    """


def pipeline_ended(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Merge what was waiting for this pipeline, when it succeeded; call the waiting off, when it did not.

    Called whenever a pipeline has reached a final status, in the transaction that records it.
    """
