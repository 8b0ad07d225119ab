"""Many clients at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import gitlab
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import Double, Git

_threads = local()


def mine(double: Double, project: Project) -> Project:
    """The project, through a client of this thread."""
    if not hasattr(_threads, "client"):
        _threads.client = double.client(double.bot_token)
    found = _threads.client.projects.get(project.id, lazy=True)
    assert isinstance(found, Project)
    return found


def test_writers_wait_for_each_other_and_lose_nothing(double: Double, project: Project) -> None:
    def work(number: int) -> None:
        own = mine(double, project)
        own.labels.create({"name": f"l-{number}", "color": "#fff"})
        own.files.create(
            {"file_path": f"f-{number}", "branch": "main", "content": "1", "commit_message": f"Add {number}"}
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert len(project.labels.list(get_all=True)) == 24
    assert len(project.repository_tree(get_all=True)) == 25
    assert len(project.commits.list(get_all=True)) == 25


def test_of_two_that_make_the_same_one_is_refused(double: Double, project: Project) -> None:
    def work(_: int) -> int:
        try:
            mine(double, project).labels.create({"name": "once", "color": "#fff"})
        except gitlab.GitlabError as error:
            return error.response_code or 0
        return 201

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [201, 409, 409, 409]


def test_pushes_to_different_branches_go_side_by_side(
    double: Double, project: Project, clone: Git, tmp_path: Path
) -> None:
    def work(number: int) -> str:
        remote = double.remote(project.path_with_namespace, double.bot_token)
        return clone("push", "--quiet", remote, f"HEAD:refs/heads/b-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(project.branches.list()) == 5
    assert list((double.data / "spool").iterdir()) == []
