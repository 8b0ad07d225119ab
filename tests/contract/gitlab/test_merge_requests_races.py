"""Merges while others merge and push: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pygit2
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from testbed.gitlab.merging import merge as merging
from testbed.gitlab.repositories.moving import MovedError, move_ref
from testbed.gitlab.repositories.rules import Change
from testbed.gitlab.server import create_forge
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Project as ProjectRow
from testbed.gitlab.store import User
from tests.contract.gitlab.merge_request_support import open_request, parents, read
from tests.contract.gitlab.support import Double, Git, refused

MAIN = "refs/heads/main"


def test_two_merges_at_once_lose_nothing(double: Double, project: Project) -> None:
    made = [open_request(project) for _ in range(4)]

    def merge(request: ProjectMergeRequest) -> None:
        mine = double.client(double.bot_token).projects.get(project.id, lazy=True)
        mine.mergerequests.get(request.iid, lazy=True).merge()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(merge, made))
    present = {each["path"] for each in project.repository_tree(get_all=True)}
    assert {f"{request.source_branch}.txt" for request in made} <= present


def test_a_merge_and_pushes_at_once_lose_nothing(project: Project, clone: Git) -> None:
    made = [open_request(project) for _ in range(3)]

    def push(number: int) -> None:
        for _ in range(10):
            clone("pull", "--quiet", "--rebase", check=False)
            if clone.run("push", "--quiet", "origin", "HEAD:main").returncode == 0:
                return
        raise AssertionError("the push was never taken")

    clone.commit("pushed.txt", "pushed")
    with ThreadPoolExecutor(4) as pool:
        pushed = pool.submit(push, 0)
        list(pool.map(lambda request: request.merge(), made))
        pushed.result()
    present = {each["path"] for each in project.repository_tree(get_all=True)}
    assert {"pushed.txt", *(f"{request.source_branch}.txt" for request in made)} <= present
    assert [read(request).state for request in made] == ["merged"] * 3


def push_behind(repository: pygit2.Repository) -> str:
    """Move `main` as a push of Git does: without asking the database."""
    tip = repository.references[MAIN].peel(pygit2.Commit)
    somebody = pygit2.Signature("Git", "git@example.com")
    made = repository.create_commit(MAIN, somebody, somebody, "Pushed", tip.tree.id, [tip.id])
    return str(made)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Lets that many pushes come in between, each after a merge was made and before it is taken."""

    def arrange(times: int) -> list[str]:
        pushed: list[str] = []
        real = merging._make

        def make(forge: Any, session: Any, request: Any, user: Any, target: Any) -> Any:
            made = real(forge, session, request, user, target)
            if len(pushed) < times:
                pushed.append(push_behind(forge.storage.open(request.project_id)))
            return made

        monkeypatch.setattr(merging, "_make", make)
        return pushed

    return arrange


def test_a_merge_is_made_again_on_top_of_a_push(project: Project, interrupted: Callable[[int], list[str]]) -> None:
    made = open_request(project)
    pushed = interrupted(1)
    made.merge()
    assert parents(project, "main") == [pushed[0], made.sha]
    assert made.merge_commit_sha == project.branches.get("main").commit["id"]


def test_a_merge_gives_way_to_pushes_that_keep_coming(
    project: Project, interrupted: Callable[[int], list[str]]
) -> None:
    made = open_request(project)
    pushed = interrupted(merging.ATTEMPTS)
    with refused(422, {"message": "Branch cannot be merged"}):
        made.merge()
    assert project.branches.get("main").commit["id"] == pushed[-1]
    found = read(made)
    assert (found.state, found.merged_at, found.merge_commit_sha) == ("opened", None, None)


def test_a_ref_that_moved_is_left_alone(double: Double, project: Project) -> None:
    forge = create_forge(Settings(data=double.data, external_url=double.url))
    now, elsewhere = project.branches.get("main").commit["id"], "1" * 40
    with forge.database.write() as session:
        row, user = session.get_one(ProjectRow, project.id), session.get_one(User, 1)
        for change in (Change(elsewhere, now, MAIN), Change("0" * 40, now, MAIN), Change(elsewhere, "0" * 40, MAIN)):
            with pytest.raises(MovedError, match="Could not update refs/heads/main"):
                move_ref(forge, session, row, user, change)
    forge.database.close()
    assert project.branches.get("main").commit["id"] == now
    assert list((double.data / "spool").iterdir()) == []
