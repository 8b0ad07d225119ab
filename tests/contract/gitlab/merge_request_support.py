"""What tests of merge requests start from."""

from __future__ import annotations

from typing import Any

from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.contract.gitlab.support import fresh


def commit_file(
    project: Project, branch: str, path: str, content: str = "x\n", start: str = "main", action: str = "create"
) -> str:
    """Write a file on a branch, which is made when it is missing; the commit."""
    exists = branch in [each.name for each in project.branches.list(search=f"^{branch}$")]
    commit = project.commits.create(
        {
            "branch": branch,
            **({} if exists else {"start_branch": start}),
            "commit_message": f"Write {path} on {branch}",
            "actions": [{"action": action, "file_path": path, "content": content}],
        }
    )
    return str(commit.id)


def open_request(project: Project, **fields: Any) -> ProjectMergeRequest:
    """A merge request to `main`, from a branch with one new file; both are made when they are not given."""
    if "source_branch" not in fields:
        fields["source_branch"] = fresh("topic")
        commit_file(project, fields["source_branch"], f"{fields['source_branch']}.txt")
    made = project.mergerequests.create(
        {"target_branch": "main", "title": f"Merge {fields['source_branch']}", **fields}
    )
    assert isinstance(made, ProjectMergeRequest)
    return made


def read(request: ProjectMergeRequest, **query: Any) -> ProjectMergeRequest:
    """The merge request as it is now."""
    project = request.manager.gitlab.projects.get(request.project_id, lazy=True)
    found = project.mergerequests.get(request.iid, **query)
    assert isinstance(found, ProjectMergeRequest)
    return found


def parents(project: Project, ref: str) -> list[str]:
    """The parents of a commit."""
    return list(project.commits.get(ref).parent_ids)


def head(project: Project, branch: str = "main") -> str:
    """The newest commit of a branch."""
    return str(project.branches.get(branch).commit["id"])


def branches(project: Project) -> list[str]:
    """The names of all branches."""
    return [branch.name for branch in project.branches.list(get_all=True)]
