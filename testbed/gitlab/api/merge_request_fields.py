"""What is sent to open and to change merge requests, and what branches they can have."""

from __future__ import annotations

from typing import Literal

import pygit2
from sqlalchemy import select

from testbed.gitlab.api.issuables import IssuableFields, apply_fields, people
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, invalid, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.merging.branches import tip
from testbed.gitlab.store import MergeRequest, Project

__all__ = ["MergeRequestFields", "apply_request_fields", "branch_tip", "check_branches"]


class MergeRequestFields(IssuableFields):
    """What both creation and change take."""

    reviewer_ids: list[int] | Literal[""] | None = None
    remove_source_branch: bool | None = None
    squash: bool | None = None
    allow_collaboration: bool | None = None
    allow_maintainer_to_push: bool | None = None


def apply_request_fields(call: Call, request: MergeRequest, fields: MergeRequestFields) -> None:
    """Set what was sent."""
    apply_fields(call, request, fields)
    if "reviewer_ids" in fields.model_fields_set and call.level(request.project) >= Level.PLANNER:
        request.reviewer_ids = [user.id for user in people(call, request.project, fields.reviewer_ids or [])]
    for name in ("remove_source_branch", "squash"):
        if (value := getattr(fields, name)) is not None:
            setattr(request, name, value)
    shared = fields.allow_maintainer_to_push if fields.allow_collaboration is None else fields.allow_collaboration
    if shared is not None:
        request.allow_collaboration = shared


def check_branches(call: Call, request: MergeRequest) -> None:
    """Refuse branches that are the same, missing, or asked for by another open merge request already.

    Raises:
        ApiError: 422, 400 or 409.
    """
    if not request.from_fork and request.source_branch == request.target_branch:
        raise rejected(422, ["You can't use same project/branch for source and target"])
    missing = {
        name: "does not exist"
        for name, project in (("source_branch", request.source_project), ("target_branch", request.project))
        if project is None or branch_tip(call, project, getattr(request, name)) is None
    }
    if missing:
        raise invalid(**missing)
    other = call.session.scalar(
        select(MergeRequest).where(
            MergeRequest.state == "opened",
            MergeRequest.project_id == request.project_id,
            MergeRequest.source_project_id == request.source_project_id,
            MergeRequest.source_branch == request.source_branch,
            MergeRequest.target_branch == request.target_branch,
            MergeRequest.id.is_not(request.id),
        )
    )
    if other is not None:
        text = f"Another open merge request already exists for this source branch: !{other.iid}"
        raise conflict([text])


def branch_tip(call: Call, project: Project, branch: str) -> pygit2.Oid | None:
    """The newest commit of a branch."""
    found = tip(call.forge.storage.open(project.id), branch)
    return None if found is None else found.id
