"""Merge requests between a project and its forks."""

from __future__ import annotations

import gitlab
from gitlab.v4.objects import Project

from tests.contract.gitlab.merge_request_support import branches, commit_file, head, open_request, parents, read
from tests.contract.gitlab.support import Person, refused


def test_a_fork_is_merged(project: Project, person: Person, root: gitlab.Gitlab) -> None:
    project.members.create({"user_id": person.id, "access_level": 20})
    origin = person.client.projects.get(project.id)
    forked = origin.forks.create({})
    fork = person.client.projects.get(forked.id)
    assert (fork.forked_from_project["id"], fork.default_branch) == (project.id, "main")
    assert [each.id for each in origin.forks.list()] == [fork.id]
    commit_file(fork, "topic", "from-fork.txt")
    made = open_request(fork, source_branch="topic", target_project_id=project.id)
    assert (made.source_project_id, made.target_project_id, made.project_id) == (fork.id, project.id, project.id)
    ours = project.mergerequests.get(made.iid)
    assert [commit.title for commit in ours.commits()] == ["Write from-fork.txt on topic"]
    more = commit_file(fork, "topic", "more.txt")
    commit_file(project, "main", "meanwhile.txt")
    assert read(ours).sha == more
    person.client.projects.get(project.id).mergerequests.get(made.iid).rebase()
    assert parents(fork, parents(fork, "topic")[0]) == [head(project)]
    ours.merge()
    assert "from-fork.txt" in {each["path"] for each in project.repository_tree()}


def test_what_does_not_fit_a_fork_is_refused(
    bot: gitlab.Gitlab, project: Project, shared: Project, person: Person
) -> None:
    commit_file(project, "topic", "t.txt")
    with refused(422, {"message": ["Source project is not a fork of the target project"]}):
        open_request(project, source_branch="topic", target_project_id=shared.id)
    with refused(404):
        person.client.projects.get(shared.id, lazy=True).forks.create({})
    with refused(409):
        project.forks.create({"namespace_id": project.namespace["id"]})
    project.create_fork_relation(shared.id)
    with refused(409, {"message": "Project already forked"}):
        project.create_fork_relation(shared.id)
    project.delete_fork_relation()
    assert not hasattr(bot.projects.get(project.id), "forked_from_project")


def test_those_who_may_merge_rebase_a_fork_that_allows_it(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 20})
    fork = person.client.projects.get(person.client.projects.get(project.id).forks.create({}).id)
    commit_file(fork, "topic", "from-fork.txt")
    made = open_request(fork, source_branch="topic", target_project_id=project.id)
    commit_file(project, "main", "meanwhile.txt")
    ours = project.mergerequests.get(made.iid)
    with refused(403):
        ours.rebase()
    person.client.projects.get(project.id, lazy=True).mergerequests.update(made.iid, {"allow_collaboration": True})
    ours.rebase()
    assert parents(fork, "topic") == [head(project)]


def test_a_merge_request_outlives_the_fork_it_came_from(project: Project, bot: gitlab.Gitlab) -> None:
    fork = bot.projects.get(project.forks.create({"name": "short-lived", "path": "short-lived"}).id)
    commit_file(fork, "topic", "from-fork.txt")
    made = open_request(fork, source_branch="topic", target_project_id=project.id)
    ours = project.mergerequests.get(made.iid)
    ours.notes.create({"body": "Nice"})
    fork.delete()
    ours = read(ours)
    assert (ours.source_project_id, ours.detailed_merge_status) == (None, "commits_status")
    assert [commit.title for commit in ours.commits()] == ["Write from-fork.txt on topic"]
    with refused(405, {"message": "405 Method Not Allowed"}):
        ours.merge()
    project.delete()
    with refused(404):
        bot.http_get(f"/projects/{project.id}/merge_requests/{ours.iid}")


def test_a_fork_has_one_branch_alone_when_asked(project: Project, bot: gitlab.Gitlab) -> None:
    commit_file(project, "topic", "t.txt")
    project.tags.create({"tag_name": "v1", "ref": "main"})
    whole = bot.projects.get(project.forks.create({"path": "whole", "name": "whole"}).id)
    assert (branches(whole), [tag.name for tag in whole.tags.list()]) == (["main", "topic"], ["v1"])
    assert [each.name for each in whole.protectedbranches.list()] == ["main"]
    part = bot.projects.get(project.forks.create({"path": "part", "name": "part", "branches": "topic"}).id)
    assert (branches(part), part.default_branch) == (["topic"], "topic")
