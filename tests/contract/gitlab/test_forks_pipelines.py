"""Whose variables and runners the pipeline of a fork's merge request gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import commit_file, open_request
from tests.contract.gitlab.runner_support import Robot, robot
from tests.contract.gitlab.support import Double, Person, eventually, fresh, make_person, refused

pytestmark = pytest.mark.usefixtures("compiler")

CONFIGURATION = """
check: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]}
"""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A project with a variable of each kind, a fork that somebody without a role in it owns, and their runners."""

    parent: Project
    fork: Project
    stranger: Person
    runners: dict[int, Robot]

    def propose(self) -> ProjectMergeRequest:
        """A merge request from a new branch of the fork, by its owner."""
        branch = fresh("topic")
        commit_file(self.fork, branch, f"{branch}.txt")
        return open_request(self.fork, source_branch=branch, target_project_id=self.parent.id)

    def variables(self, request: ProjectMergeRequest, project: Project) -> dict[str, str]:
        """What the job of the merge request's newest pipeline gets, once the pipeline is in a project."""
        ours = self.parent.mergerequests.get(request.iid)
        eventually(lambda: [each.status for each in ours.pipelines.list() if each.project_id == project.id] or None)
        job = eventually(lambda: answer if (answer := self.runners[project.id].ask()).status_code == 201 else None)
        self.runners[project.id].update(job.json(), "success")
        return {each["key"]: each["value"] for each in job.json()["variables"]}


@pytest.fixture(scope="module")
def ground(double: Double, root: gitlab.Gitlab, bot: gitlab.Gitlab) -> Iterator[Ground]:
    name = fresh("parent")
    group = bot.groups.create({"name": name, "path": name})
    parent = bot.projects.create({"name": name, "namespace_id": group.id})
    assert isinstance(parent, Project)
    file = {"action": "create", "file_path": ".gitlab-ci.yml", "content": CONFIGURATION}
    parent.commits.create({"branch": "main", "commit_message": "Begin", "actions": [file]})
    parent.variables.create({"key": "OPEN", "value": "canary-open"})
    parent.variables.create({"key": "GUARDED", "value": "canary-guarded", "protected": True})
    group.variables.create({"key": "SHARED", "value": "canary-shared"})
    stranger = make_person(double, root)
    parent.members.create({"user_id": stranger.id, "access_level": 20})
    theirs = stranger.client.projects.get(parent.id)
    fork = stranger.client.projects.get(theirs.forks.create({}).id)
    assert isinstance(fork, Project)
    fork.variables.create({"key": "OPEN", "value": "the fork's own"})
    with ExitStack() as stack:
        runners = {
            parent.id: stack.enter_context(robot(double, bot, parent)),
            fork.id: stack.enter_context(robot(double, stranger.client, fork)),
        }
        yield Ground(parent=parent, fork=fork, stranger=stranger, runners=runners)


def test_a_fork_s_pipeline_runs_in_the_fork_with_what_the_fork_has(ground: Ground) -> None:
    request = ground.propose()
    found = ground.variables(request, ground.fork)
    assert found["OPEN"] == "the fork's own"
    assert "canary" not in "".join(found.values())
    assert (found["CI_PROJECT_ID"], found["CI_MERGE_REQUEST_PROJECT_ID"]) == (
        str(ground.fork.id),
        str(ground.parent.id),
    )
    assert found["CI_COMMIT_REF_NAME"] == request.source_branch
    assert ground.parent.pipelines.list(sha=request.sha) == [], "nothing runs in the parent"


def test_a_member_releases_it_to_the_parent_whose_variables_it_gets_but_for_protected_ones(ground: Ground) -> None:
    request = ground.propose()
    ground.variables(request, ground.fork)
    started = ground.parent.mergerequests.get(request.iid).pipelines.create()
    assert (started.project_id, started.ref) == (ground.parent.id, f"refs/merge-requests/{request.iid}/head")
    found = ground.variables(request, ground.parent)
    assert (found["OPEN"], found["SHARED"]) == ("canary-open", "canary-shared")
    assert "GUARDED" not in found
    assert found["CI_COMMIT_SHA"] == request.sha, "the fork's code"
    assert found["CI_OPEN_MERGE_REQUESTS"] == f"{ground.parent.path_with_namespace}!{request.iid}"


def test_the_fork_s_owner_starts_another_one_in_the_fork_alone(ground: Ground) -> None:
    request = ground.propose()
    ground.variables(request, ground.fork)
    theirs = ground.stranger.client.projects.get(ground.parent.id).mergerequests.get(request.iid)
    assert theirs.pipelines.create().project_id == ground.fork.id
    assert ground.variables(request, ground.fork)["OPEN"] == "the fork's own"


def test_who_has_a_role_in_neither_project_starts_nothing(ground: Ground, double: Double, root: gitlab.Gitlab) -> None:
    request = ground.propose()
    ground.variables(request, ground.fork)
    reader = make_person(double, root)
    ground.parent.members.create({"user_id": reader.id, "access_level": 20})
    theirs = reader.client.projects.get(ground.parent.id).mergerequests.get(request.iid)
    with refused(400, {"message": {"base": ["Insufficient permissions to create a new pipeline"]}}):
        theirs.pipelines.create()


def test_a_parent_that_lets_no_fork_in_has_no_pipeline_of_it(ground: Ground) -> None:
    request = ground.propose()
    ground.variables(request, ground.fork)
    ground.parent.ci_allow_fork_pipelines_to_run_in_parent_project = False
    ground.parent.save()
    try:
        # The member has no role in the fork either.
        with refused(400, {"message": {"base": ["Insufficient permissions to create a new pipeline"]}}):
            ground.parent.mergerequests.get(request.iid).pipelines.create()
    finally:
        ground.parent.ci_allow_fork_pipelines_to_run_in_parent_project = True
        ground.parent.save()


def test_a_status_of_a_fork_s_commit_goes_into_the_pipeline_that_was_released(ground: Ground) -> None:
    request = ground.propose()
    ground.variables(request, ground.fork)
    with refused(404, {"message": "404 References for commit Not Found"}):
        ground.parent.commits.get(request.sha).statuses.create({"state": "success", "name": "outside"})
    started = ground.parent.mergerequests.get(request.iid).pipelines.create()
    status = ground.parent.commits.get(request.sha).statuses.create({"state": "success", "name": "outside"})
    assert (status.pipeline_id, status.ref) == (started.id, started.ref)
    ground.variables(request, ground.parent)
