"""How pipelines come about. Compiling takes seconds, so here a pipeline is only noted; the planner does the rest."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.rules import Change
from testbed.gitlab.store import MergeRequest, Pipeline, Project, User

__all__ = ["head_pipeline", "start_for_merge_request", "start_for_push"]


def start_for_push(forge: Forge, session: Session, project: Project, user: User, change: Change) -> Pipeline | None:
    """Note a pipeline for a pushed branch or tag, unless the push asks for none or there is no configuration."""
    return None


def start_for_merge_request(forge: Forge, session: Session, request: MergeRequest, user: User) -> Pipeline | None:
    """Note a pipeline for the head of a merge request."""
    return None


def head_pipeline(session: Session, request: MergeRequest) -> Pipeline | None:
    """The newest pipeline for the head commit of a merge request: its own, else the source branch's."""
    return None
