"""Who is answered: an answer runs the code of the merge request with our credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import gitlab
from gitlab.v4.objects import Project, ProjectMergeRequest

__all__ = ["refusal"]

_DEVELOPER: Final = 30
"""GitLab's number of the role."""
_NO_MEMBER: Final = 0


def refusal(project: Project, request: ProjectMergeRequest, note: Mapping[str, Any]) -> str | None:
    """Return why a note is not answered, with what to do; None when it may be.

    Args:
        project: the merge request's project.
        request: the merge request.
        note: the note, as GitLab tells it.
    """
    if _level(project, note["author"]["id"]) < _DEVELOPER:
        return "Only members of this project with the role Developer or more are answered here: ask one of them."
    if request.source_project_id != project.id and _pushed_after(request, note):
        return (
            "The merge request comes from a fork and has got commits since you asked, which you may not have seen: "
            "read them, and ask again."
        )
    return None


def _level(project: Project, user: int) -> int:
    try:
        return int(project.members_all.get(user).access_level)
    except gitlab.GitlabGetError as error:
        if error.response_code == 404:
            return _NO_MEMBER
        raise


def _pushed_after(request: ProjectMergeRequest, note: Mapping[str, Any]) -> bool:
    asked = datetime.fromisoformat(note["created_at"])
    versions = (datetime.fromisoformat(each.created_at) for each in request.diffs.list(iterator=True))
    return any(version > asked for version in versions)
