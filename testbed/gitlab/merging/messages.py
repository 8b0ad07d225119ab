"""The messages of merge and squash commits, from a project's templates."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pygit2
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.approving import approvals
from testbed.gitlab.merging.branches import commit_at, commits_of
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.store import MergeRequest, User

__all__ = ["merge_message", "squash_message"]

MERGE = """Merge branch '%{source_branch}' into '%{target_branch}'

%{title}

%{issues}

See merge request %{reference}"""

SQUASH = "%{title}"

_PLACEHOLDER = re.compile(r"%\{(\w+)\}")


def merge_message(forge: Forge, session: Session, request: MergeRequest, user: User) -> str:
    """The message of the merge commit that a user makes."""
    template = setting(request.project, "merge_commit_template") or MERGE
    return _fill(template, _values(forge, session, request, user))


def squash_message(forge: Forge, session: Session, request: MergeRequest, user: User) -> str:
    """The message of the commit that stands for all."""
    template = setting(request.project, "squash_commit_template") or SQUASH
    return _fill(template, _values(forge, session, request, user))


def _values(forge: Forge, session: Session, request: MergeRequest, user: User) -> dict[str, str]:
    repository = forge.storage.open(request.project_id)
    target = repository.branches.local[request.target_branch].target
    commits = commits_of(repository, str(target), request.sha)[::-1] or [commit_at(repository, request.sha)]
    first = commits[0].message.strip()
    approvers = [approval.user for approval in approvals(session, request)]
    source = request.source_branch
    if request.source_project is not None and request.from_fork:
        source = f"{request.source_project.full_path}:{source}"
    return {
        "source_branch": source,
        "target_branch": request.target_branch,
        "title": request.title,
        "issues": "",
        "description": request.description or "",
        "reference": f"{request.project.full_path}!{request.iid}",
        "local_reference": f"!{request.iid}",
        "source_project_id": str(request.source_project_id or ""),
        "first_commit": first,
        "first_multiline_commit": next((text for text in _messages(commits) if "\n" in text), request.title),
        "url": forge.url(request.project.full_path, "-/merge_requests", str(request.iid)),
        "merged_by": _person(user),
        "merge_request_author": _person(request.author) if request.author else "",
        "approved_by": "\n".join(f"Approved-by: {_person(each)}" for each in approvers),
        "all_commits": "\n\n".join(f"* {text}" for text in _messages(commits)),
        "co_authored_by": "\n".join(_co_authors(commits, request.author)),
    }


def _messages(commits: Sequence[pygit2.Commit]) -> list[str]:
    return [commit.message.strip() for commit in commits]


def _co_authors(commits: Sequence[pygit2.Commit], author: User | None) -> list[str]:
    others = {(commit.author.name, commit.author.email): None for commit in commits}
    known = author.email if author else ""
    return [f"Co-authored-by: {name} <{email}>" for name, email in others if email != known]


def _person(user: User) -> str:
    return f"{user.name} <{user.email}>"


def _fill(template: str, values: dict[str, str]) -> str:
    """Put values in; a line that has only empty ones goes away, with the blank line before it."""
    lines: list[str] = []
    for line in template.replace("\r\n", "\n").split("\n"):
        names = _PLACEHOLDER.findall(line)
        filled = _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), line)
        if names and not filled.strip():
            if lines and not lines[-1]:
                lines.pop()
            continue
        lines.append(filled)
    return "\n".join(lines).strip()
