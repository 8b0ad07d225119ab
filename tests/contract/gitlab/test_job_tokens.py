"""Job tokens: what they open, where, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gitlab
import pytest
import requests
from gitlab.v4.objects import Group, Project

from testbed.gitlab.core.job_tokens import reaches
from tests.contract.gitlab.runner_support import Robot, add_jobs, robot
from tests.contract.gitlab.support import Double, Git, fresh


@dataclass
class Running:
    """A running job and its runner."""

    runner: Robot
    job: dict[str, Any]

    @property
    def token(self) -> str:
        """The job token."""
        return str(self.job["token"])

    def get(self, path: str, **headers: str) -> requests.Response:
        """A request with the job token, unless other headers are given."""
        return self.runner.call("GET", path, headers=headers or {"JOB-TOKEN": self.token})


@pytest.fixture
def running(double: Double, bot: gitlab.Gitlab, project: Project) -> Iterator[Running]:
    """A job that runs."""
    add_jobs(double, project, {"name": "build"})
    with robot(double, bot, project) as runner:
        yield Running(runner, runner.take())


@pytest.fixture
def other(bot: gitlab.Gitlab, group: Group) -> Project:
    """Another private project of the same user."""
    made = bot.projects.create({"name": fresh("other"), "namespace_id": group.id, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


def test_a_job_finds_out_about_itself(running: Running) -> None:
    found = running.get("job").json()
    assert (found["id"], found["name"], found["status"]) == (running.job["id"], "build", "running")
    assert running.get("job", Authorization=f"Bearer {running.token}").status_code == 200
    assert running.get(f"job?job_token={running.token}", Accept="*/*").status_code == 200
    assert running.get("job", **{"PRIVATE-TOKEN": running.token}).status_code == 401
    assert running.get("job", Accept="*/*").status_code == 401


def test_a_job_learns_which_agents_it_may_use(
    double: Double, bot: gitlab.Gitlab, other: Project, running: Running
) -> None:
    agent = other.cluster_agents.create({"name": "dev"})
    other.cluster_agents.create({"name": "closed"})
    path = bot.projects.get(running.job["job_info"]["project_id"]).path_with_namespace
    text = f"ci_access:\n  projects:\n    - id: {path}\n      default_namespace: dev\n"
    change = {"action": "create", "file_path": ".gitlab/agents/dev/config.yaml", "content": text}
    other.commits.create({"branch": "main", "commit_message": "Open", "actions": [change]})
    found = running.get("job/allowed_agents").json()
    assert [each["id"] for each in found["allowed_agents"]] == [agent.id]
    assert found["allowed_agents"][0]["configuration"] == {"default_namespace": "dev"}
    assert "owner" in found["user"]["roles_in_project"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/projects/{id}/environments", True),
        ("POST", "/projects/{id}/environments/{environment_id}/stop", True),
        ("POST", "/projects/{id}/deployments", True),
        ("POST", "/projects/{id}/releases", True),
        ("PUT", "/projects/{id}/packages/generic/{name}/{version}/{file}", True),
        ("GET", "/projects/{id}/jobs/{job_id}/artifacts/{artifact_path:path}", True),
        ("GET", "/projects/{id}/jobs/artifacts/{ref_name}/download", True),
        ("GET", "/projects/{id}/repository/files/{file_path}/raw", True),
        ("HEAD", "/projects/{id}/repository/tags", True),
        ("GET", "/projects/{id}/merge_requests/{iid}/notes", True),
        ("POST", "/projects/{id}/trigger/pipeline", True),
        ("PUT", "/projects/{id}/pipelines/{pipeline_id}/metadata", True),
        ("GET", "/job", True),
        ("POST", "/projects/{id}/merge_requests/{iid}/notes", False),
        ("PUT", "/projects/{id}/merge_requests/{iid}", False),
        ("GET", "/projects/{id}", False),
        ("GET", "/projects", False),
        ("GET", "/user", False),
        ("GET", "/groups/{id}", False),
        ("GET", "/projects/{id}/variables", False),
        ("GET", "/projects/{id}/jobs/{job_id}/trace", False),
        ("GET", "/projects/{id}/repository/files/{file_path}", False),
        ("POST", "/projects/{id}/repository/commits", False),
        ("POST", "/projects/{id}/repository/tags", False),
        ("GET", "/projects/{id}/protected_environments", False),
        ("POST", "/projects/{id}/statuses/{sha}", False),
    ],
)
def test_the_reach_is_gitlabs_list(method: str, path: str, expected: bool) -> None:
    assert reaches(method, path) is expected


def test_the_general_api_does_not_know_job_tokens(running: Running, project: Project) -> None:
    assert running.get(f"projects/{project.id}/environments").status_code == 200
    assert running.get(f"projects/{project.id}/repository/files/README.md/raw?ref=main").status_code == 200
    for path in ("user", f"projects/{project.id}", f"projects/{project.id}/variables", "projects/1/members"):
        assert running.get(path).status_code in (401, 404), path
    assert running.get("user").status_code == 401


def test_a_token_is_void_once_its_job_has_ended(double: Double, running: Running, project: Project, git: Git) -> None:
    remote = double.remote(project.path_with_namespace, running.token, "gitlab-ci-token")
    assert running.get("job").status_code == 200
    assert "main" in git("ls-remote", remote)
    running.runner.update(running.job, "success")
    assert running.get("job").status_code == 401
    assert running.get(f"projects/{project.id}/environments").status_code == 401
    assert git.run("ls-remote", remote).returncode != 0


def test_other_projects_let_a_job_in_by_their_list(running: Running, project: Project, other: Project) -> None:
    path = f"projects/{other.id}/environments"
    refused = running.get(path)
    assert refused.status_code == 403
    assert f"not allowed from {project.path_with_namespace} to {other.path_with_namespace}" in refused.text
    other.job_token_scope.get().allowlist.create({"target_project_id": project.id})
    assert running.get(path).status_code == 200


def test_other_projects_let_in_the_jobs_of_a_group_or_everybodys(
    running: Running, group: Group, other: Project
) -> None:
    scope = other.job_token_scope.get()
    scope.groups_allowlist.create({"target_group_id": group.id})
    path = f"projects/{other.id}/environments"
    assert running.get(path).status_code == 200
    scope.groups_allowlist.delete(group.id)
    assert running.get(path).status_code == 403
    other.manager.gitlab.http_patch(f"/projects/{other.id}/job_token_scope", post_data={"enabled": False})
    assert running.get(path).status_code == 200


def test_the_list_gives_no_more_than_the_user_has(
    double: Double, root: gitlab.Gitlab, running: Running, project: Project
) -> None:
    foreign = root.projects.create({"name": fresh("foreign"), "initialize_with_readme": True})
    foreign.job_token_scope.get().allowlist.create({"target_project_id": project.id})
    assert running.get(f"projects/{foreign.id}/environments").status_code == 404


def test_a_job_clones_its_own_project_and_listed_ones(
    double: Double, running: Running, project: Project, other: Project, git: Git
) -> None:
    own = double.remote(project.path_with_namespace, running.token, "gitlab-ci-token")
    git("clone", "--quiet", own, "own")
    assert (git.directory / "own" / "README.md").is_file()
    wrong_name = double.remote(project.path_with_namespace, running.token, "somebody")
    assert git.run("ls-remote", wrong_name).returncode != 0
    others = double.remote(other.path_with_namespace, running.token, "gitlab-ci-token")
    assert "not allowed from" in git("ls-remote", others, check=False)
    other.job_token_scope.get().allowlist.create({"target_project_id": project.id})
    git("clone", "--quiet", others, "others")


def test_a_job_pushes_only_where_its_project_says_so(
    double: Double, running: Running, project: Project, git: Git
) -> None:
    remote = double.remote(project.path_with_namespace, running.token, "gitlab-ci-token")
    git("clone", "--quiet", remote, "own")
    clone = Git(git.directory / "own")
    clone("checkout", "--quiet", "-b", "by-job")
    clone.commit(".gitlab-ci.yml", "job: {script: [true]}")
    assert "You are not allowed to push code" in clone("push", "origin", "by-job", check=False)
    project.ci_push_repository_for_job_token_allowed = True
    project.save()
    clone("push", "--quiet", "origin", "by-job")
    assert project.branches.get("by-job").name == "by-job"
    assert project.pipelines.list(ref="by-job") == [], "a job's push starts no pipeline"
