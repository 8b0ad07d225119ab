"""Which earlier jobs a job gets artifacts and dotenv variables from."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.store import Job

__all__ = ["sources_of"]


def sources_of(session: Session, job: Job) -> list[Job]:
    """The jobs of the same pipeline whose artifacts a job downloads.

    With ``needs`` those that it names (and that have not ``artifacts: false``), else all of the stages before;
    ``dependencies`` narrows both down.
    """
    if job.id is None:
        return []
    others = select(Job).where(Job.pipeline_id == job.pipeline_id, Job.retried.is_(False), Job.kind == "build")
    found = list(session.scalars(others.order_by(Job.stage_index, Job.id)))
    if job.needs is None:
        found = [other for other in found if other.stage_index < job.stage_index]
    else:
        wanted = {need["job"] for need in job.needs if need.get("artifacts", True)}
        found = [other for other in found if other.name in wanted]
    named = job.options.get("dependencies")
    return found if named is None else [other for other in found if other.name in named]
