"""Repository files and trees."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Literal
from urllib.parse import quote

import pygit2
from pydantic import Field
from pygit2.enums import FileMode
from starlette.responses import Response

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import Action, last_commit_of
from testbed.gitlab.repositories.reading import blob_at, code_of, resolve, tree_at
from testbed.gitlab.repositories.writing import NewCommit, commit

__all__ = ["routes"]

routes = Routes()

READS = ("read_repository",)


class WriteFile(Params):
    """What creation, change and removal of a file take."""

    branch: NotEmpty
    commit_message: NotEmpty
    start_branch: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    last_commit_id: str | None = None

    def commit_of(self, action: Action) -> NewCommit:
        """The commit that does it."""
        return NewCommit(
            branch=self.branch,
            message=self.commit_message,
            actions=[action],
            start=self.start_branch,
            author_name=self.author_name,
            author_email=self.author_email,
        )


class SaveFile(WriteFile):
    """POST and PUT projects/:id/repository/files/:file_path."""

    content: str
    encoding: Literal["text", "base64"] | None = None
    execute_filemode: bool | None = None


class ReadFile(Params):
    """GET and HEAD projects/:id/repository/files/:file_path."""

    ref: NotEmpty


class ReadRaw(Params):
    """GET projects/:id/repository/files/:file_path/raw."""

    ref: str | None = None


class ListTree(Params):
    """GET projects/:id/repository/tree."""

    ref: str | None = None
    path: str = ""
    recursive: bool = False
    page_token: str | None = Field(None)


@routes.get("/projects/{id}/repository/tree", scopes=READS)
def list_tree(call: Call, params: ListTree) -> Page:
    """The entries of a directory."""
    project, repository = code_of(call)
    found = resolve(repository, params.ref or project.default_branch)
    tree = tree_at(found, params.path) if found is not None else None
    if tree is None:
        raise not_found("Tree")
    prefix = f"{params.path.strip('/')}/" if params.path.strip("/") else ""
    return call.page_of(_entries(tree, prefix, params.recursive), lambda each: each)


@routes.get("/projects/{id}/repository/files/{file_path}", scopes=READS)
def get_file(call: Call, params: ReadFile) -> dict[str, Any]:
    """A file with its content."""
    facts, content = _read(call, params.ref)
    return {**facts, "content": base64.b64encode(content).decode()}


@routes.head("/projects/{id}/repository/files/{file_path}", scopes=READS)
def head_file(call: Call, params: ReadFile) -> Response:
    """What is known about a file, as headers."""
    facts, _ = _read(call, params.ref)
    names = {f"X-Gitlab-{name.replace('_', '-').title()}": _header(value) for name, value in facts.items()}
    return Response(headers=names)


@routes.get("/projects/{id}/repository/files/{file_path}/raw", scopes=READS)
def get_raw_file(call: Call, params: ReadRaw) -> Response:
    """The content alone."""
    facts, content = _read(call, params.ref)
    disposition = f'inline; filename="{quote(facts["file_name"])}"'
    headers = {"Content-Disposition": disposition, "X-Gitlab-Blob-Id": facts["blob_id"]}
    return Response(content, media_type="text/plain", headers=headers)


@routes.get("/projects/{id}/repository/blobs/{sha}/raw", scopes=READS)
def get_raw_blob(call: Call) -> Response:
    """The content of an object."""
    _, repository = code_of(call)
    try:
        found = repository.get(call.path["sha"])
    except ValueError:
        found = None
    if not isinstance(found, pygit2.Blob):
        raise not_found("Blob")
    return Response(found.data, media_type="application/octet-stream")


@routes.post("/projects/{id}/repository/files/{file_path}")
def create_file(call: Call, params: SaveFile) -> dict[str, str]:
    """Commit a new file."""
    return _save(call, params, "create")


@routes.put("/projects/{id}/repository/files/{file_path}")
def update_file(call: Call, params: SaveFile) -> dict[str, str]:
    """Commit new content of a file."""
    return _save(call, params, "update")


@routes.delete("/projects/{id}/repository/files/{file_path}")
def delete_file(call: Call, params: WriteFile) -> None:
    """Commit the removal of a file."""
    action = Action(action="delete", file_path=call.path["file_path"], last_commit_id=params.last_commit_id)
    commit(call, call.project(), params.commit_of(action))


def _save(call: Call, params: SaveFile, action: Literal["create", "update"]) -> dict[str, str]:
    path = call.path["file_path"]
    change = Action(action=action, file_path=path, **params.given(*WriteFile.model_fields))
    actions = [change.model_copy(update={"last_commit_id": params.last_commit_id})]
    if action == "update" and params.execute_filemode is not None:
        actions.append(Action(action="chmod", file_path=path, execute_filemode=params.execute_filemode))
    new = params.commit_of(change)
    project = call.project()
    commit(call, project, NewCommit(**{**vars(new), "actions": actions}))
    return {"file_path": path, "branch": params.branch}


def _read(call: Call, ref: str | None) -> tuple[dict[str, Any], bytes]:
    project, repository = code_of(call)
    name = ref or project.default_branch
    start = resolve(repository, name)
    if start is None:
        raise not_found("Commit")
    path = call.path["file_path"]
    found = blob_at(start, path)
    if found is None:
        raise not_found("File")
    blob, mode = found
    last = last_commit_of(repository, start, path) or start
    facts = {
        "file_name": path.rpartition("/")[2],
        "file_path": path,
        "size": blob.size,
        "encoding": "base64",
        "content_sha256": hashlib.sha256(blob.data).hexdigest(),
        "ref": name,
        "blob_id": str(blob.id),
        "commit_id": str(start.id),
        "last_commit_id": str(last.id),
        "execute_filemode": mode == FileMode.BLOB_EXECUTABLE,
    }
    return facts, blob.data


def _header(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _entries(tree: pygit2.Tree, prefix: str, recursive: bool) -> list[dict[str, Any]]:
    """Directories first, as GitLab lists them."""
    found: list[dict[str, Any]] = []
    children = sorted(tree, key=lambda each: (not isinstance(each, pygit2.Tree), each.name or ""))
    for child in children:
        path = f"{prefix}{child.name}"
        kind = "tree" if isinstance(child, pygit2.Tree) else "blob"
        mode = f"{int(child.filemode):06o}"
        found.append({"id": str(child.id), "name": child.name, "type": kind, "path": path, "mode": mode})
        if recursive and isinstance(child, pygit2.Tree):
            found.extend(_entries(child, f"{path}/", recursive))
    return found
