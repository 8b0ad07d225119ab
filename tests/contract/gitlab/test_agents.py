"""Agents in use: whom the agent server lets through to the cluster, as whom, and what it carries."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gitlab
import pytest
import requests
import yaml
from gitlab.v4.objects import Group, Project

from testbed.gitlab import store
from tests.contract.gitlab.agent_support import AgentServer, agent_server
from tests.contract.gitlab.runner_support import add_jobs, robot
from tests.contract.gitlab.support import KAS_SECRET, Double, Person, eventually


@pytest.fixture(scope="module")
def kas(double: Double) -> Iterator[AgentServer]:
    """One agent server for all tests of this module."""
    with agent_server(double.url) as running:
        yield running


@dataclass
class Agent:
    """A registered agent whose token is in the cluster."""

    project: Project
    id: int
    name: str
    token_id: int

    def configure(self, **access: Any) -> None:
        """Commit the configuration."""
        path = f".gitlab/agents/{self.name}/config.yaml"
        known = any(each["path"] == path for each in self.project.repository_tree(recursive=True, get_all=True))
        change = {"action": "update" if known else "create", "file_path": path, "content": yaml.safe_dump(access)}
        self.project.commits.create({"branch": "main", "commit_message": "Open", "actions": [change]})

    def state(self) -> dict[str, Any]:
        """Its token, as the API has it."""
        path = f"/projects/{self.project.id}/cluster_agents/{self.id}/tokens/{self.token_id}"
        found = self.project.manager.gitlab.http_get(path)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def home(bot: gitlab.Gitlab, group: Group) -> Project:
    """The project that agents are registered in."""
    made = bot.projects.create({"name": "agents", "namespace_id": group.id, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


@pytest.fixture
def agent(home: Project, kas: AgentServer) -> Agent:
    """A connected agent that is open to nobody yet."""
    made = home.cluster_agents.create({"name": "dev"})
    token = home.manager.gitlab.http_post(
        f"/projects/{home.id}/cluster_agents/{made.id}/tokens", post_data={"name": "t"}
    )
    assert isinstance(token, dict)
    kas.cluster.connect(token["token"], namespace=f"agent-{made.id}", uid=f"uid-{made.id}")
    kas.later += 10
    return Agent(home, made.id, made.name, token["id"])


@dataclass
class Caller:
    """A running job that calls the cluster."""

    kas: AgentServer
    agent: Agent
    payload: dict[str, Any]

    def call(self, path: str = "/version", method: str = "GET", **arguments: Any) -> requests.Response:
        """One request with the job's token."""
        headers = {
            "Authorization": f"Bearer ci:{self.agent.id}:{self.payload['token']}",
            **arguments.pop("headers", {}),
        }
        return requests.request(method, self.kas.address(path), headers=headers, timeout=20, **arguments)

    def kubeconfig(self) -> dict[str, Any] | None:
        """The file behind ``KUBECONFIG``."""
        (found,) = [each for each in self.payload["variables"] if each["key"] == "KUBECONFIG"] or [None]
        assert found is None or (found["file"] and not found["public"])
        return yaml.safe_load(found["value"]) if found else None


@pytest.fixture
def take(double: Double, bot: gitlab.Gitlab, project: Project, kas: AgentServer, agent: Agent) -> Iterator[Any]:
    """Starts a job of another project, in an environment or in none, on a protected branch or not."""
    with robot(double, bot, project) as runner:

        def started(environment: str | None = None, protected: bool = True) -> Caller:
            (number,) = add_jobs(double, project, {"name": "deploy"})
            with double.forge.database.write() as session:
                job = session.get_one(store.Job, number)
                job.pipeline.protected = protected
                if environment is not None:
                    place = store.Environment(project_id=project.id, name=environment, slug="s", tier="other")
                    session.add(place)
                    session.flush()
                    job.environment_id = place.id
            return Caller(kas, agent, runner.take())

        yield started


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Status, reason and message of Kubernetes' error object."""
    found = answer.json()
    assert (found["kind"], found["status"], found["code"]) == ("Status", "Failure", answer.status_code)
    return answer.status_code, found["reason"], found["message"]


def test_a_job_reaches_the_cluster_as_the_agents_service_account(kas: AgentServer, agent: Agent, take: Any) -> None:
    caller = take()
    agent.configure(ci_access={"projects": [{"id": caller.payload["job_info"]["project_full_path"]}]})
    answer = caller.call("/api/v1/pods?limit=5&a=%2Fb")
    assert (answer.status_code, answer.headers["Audit-Id"]) == (200, "7")
    method, path, headers, _ = kas.cluster.seen[-1]
    assert (method, path) == ("GET", "/api/v1/pods?limit=5&a=%2Fb")
    assert headers["authorization"].startswith("Bearer account-")
    assert caller.payload["token"] not in json.dumps(headers)
    granted = kas.cluster.tokens[-1]
    assert granted["namespace"] == f"agent-{agent.id}"
    assert granted["boundObjectRef"] == {
        "apiVersion": "v1", "kind": "Secret", "name": "gitlab-agent-token", "uid": f"uid-{agent.id}",
    }  # fmt: skip
    before = len(kas.cluster.tokens)
    assert caller.call().ok
    assert len(kas.cluster.tokens) == before, "a token is used while it lasts"
    kas.later += 600
    assert caller.call().ok
    assert len(kas.cluster.tokens) == before + 1


def test_nobody_claims_to_be_somebody_else(kas: AgentServer, agent: Agent, take: Any) -> None:
    caller = take()
    agent.configure(ci_access={"projects": [{"id": caller.payload["job_info"]["project_full_path"]}]})
    claims = {
        "Impersonate-User": "admin", "Impersonate-Group": "system:masters", "Impersonate-Extra-Reason": "because",
        "X-Remote-User": "admin", "Cookie": "_gitlab_session=1", "X-Csrf-Token": "2", "Gitlab-Agent-Id": "3",
    }  # fmt: skip
    assert caller.call(headers={**claims, "X-Kept": "4"}).ok
    headers = kas.cluster.seen[-1][2]
    assert not {name.lower() for name in claims} & set(headers)
    assert headers["x-kept"] == "4"


def test_bodies_and_refusals_of_the_cluster_pass_unchanged(kas: AgentServer, agent: Agent, take: Any) -> None:
    caller = take()
    agent.configure(ci_access={"projects": [{"id": caller.payload["job_info"]["project_full_path"]}]})
    body = b"x" * 300_000
    kind = {"Content-Type": "application/apply-patch+yaml"}
    assert caller.call("/apis/apps/v1/one", "PATCH", data=body, headers=kind).ok
    method, _, headers, seen = kas.cluster.seen[-1]
    assert (method, headers["content-type"], seen) == ("PATCH", "application/apply-patch+yaml", body)
    assert caller.call("/chunked", "POST", data=iter([b"a", b"b"])).ok
    assert kas.cluster.seen[-1][3] == b"ab"
    answer = caller.call("/refused", "DELETE")
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    assert "Gitlab-Unauthorized" not in answer.headers


def test_a_watch_is_passed_on_as_it_comes_and_ends_with_its_caller(kas: AgentServer, agent: Agent, take: Any) -> None:
    caller = take()
    agent.configure(ci_access={"projects": [{"id": caller.payload["job_info"]["project_full_path"]}]})
    answer = caller.call("/watch", stream=True)
    assert next(answer.iter_lines()) == b'{"type": "ADDED"}'
    assert not kas.cluster.watches_ended.is_set()
    answer.close()
    assert kas.cluster.watches_ended.wait(20)


def test_an_upgrade_is_refused_in_words(agent: Agent, take: Any) -> None:
    caller = take()
    for kind in ("websocket", "SPDY/3.1"):
        upgrade = {"Connection": "Upgrade", "Upgrade": kind, "Sec-WebSocket-Key": "AAAA", "Sec-WebSocket-Version": "13"}
        status, reason, message = refusal(caller.call("/api/v1/namespaces/a/pods/b/exec", headers=upgrade))
        assert (status, reason) == (400, "BadRequest")
        assert "exec, attach, port-forward and cp" in message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "no valid credentials provided"),
        ("Token x", "Authorization header: expecting Bearer token"),
        ("Bearer x", "Authorization header: invalid value"),
        ("Bearer ci:x", "Authorization header: invalid value"),
        ("Bearer ci:x:y", "Authorization header: failed to parse: the agent's id is no number"),
        ("Bearer ci:1:", "Authorization header: empty token"),
        ("Bearer other:1:x", "Authorization header: unknown token type"),
    ],
)
def test_credentials_that_cannot_be_read_are_refused(kas: AgentServer, header: str | None, message: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(kas.address("/version"), headers=headers, timeout=20)
    assert refusal(answer) == (401, "Unauthorized", f"GitLab Agent Server: Unauthorized: {message}")
    assert answer.headers["Gitlab-Unauthorized"] == "true"


def test_a_project_without_access_is_refused(agent: Agent, take: Any) -> None:
    caller = take()
    expected = (403, "Forbidden", "GitLab Agent Server: Forbidden: agentId is not allowed")
    assert refusal(caller.call()) == expected
    assert caller.kubeconfig() is None
    agent.configure(ci_access={"projects": [{"id": "elsewhere/project"}]})
    assert refusal(caller.call()) == expected


def test_a_job_that_has_ended_is_refused(double: Double, agent: Agent, take: Any) -> None:
    caller = take()
    agent.configure(ci_access={"projects": [{"id": caller.payload["job_info"]["project_full_path"]}]})
    assert caller.call().ok
    state = {"token": caller.payload["token"], "state": "success"}
    requests.put(f"{double.url}/api/v4/jobs/{caller.payload['id']}", json=state, timeout=20).raise_for_status()
    status, reason, message = refusal(caller.call())
    assert (status, reason) == (401, "Unauthorized")
    assert message.startswith("GitLab Agent Server: Unauthorized: CI job token")


@pytest.mark.parametrize(
    ("entry", "environment", "protected", "open_"),
    [
        ({"environments": ["dev", "review/*"]}, "dev", True, True),
        ({"environments": ["dev", "review/*"]}, "review/one/two", True, True),
        ({"environments": ["dev", "review/*"]}, "prod", True, False),
        ({"environments": ["dev"]}, None, True, False),
        ({"protected_branches_only": True}, None, True, True),
        ({"protected_branches_only": True}, None, False, False),
        ({}, "prod", False, True),
    ],
)
def test_access_can_be_limited_to_environments_and_protected_branches(
    agent: Agent, take: Any, entry: dict[str, Any], environment: str | None, protected: bool, open_: bool
) -> None:
    group = agent.project.path_with_namespace.partition("/")[0]
    agent.configure(ci_access={"groups": [{"id": group, **entry}]})
    caller = take(environment, protected)
    assert caller.call().status_code == (200 if open_ else 403)
    assert (caller.kubeconfig() is not None) is open_


def test_a_job_gets_a_context_for_each_of_its_agents(double: Double, agent: Agent, take: Any) -> None:
    group = agent.project.path_with_namespace.partition("/")[0]
    agent.configure(ci_access={"groups": [{"id": group, "default_namespace": "bighpc-dev"}]})
    caller = take()
    found = caller.kubeconfig()
    assert found is not None
    user = f"agent:{agent.id}"
    assert found["contexts"] == [
        {
            "name": f"{agent.project.path_with_namespace}:dev",
            "context": {"cluster": "gitlab", "user": user, "namespace": "bighpc-dev"},
        }
    ]
    assert found["users"] == [{"name": user, "user": {"token": f"ci:{agent.id}:{caller.payload['token']}"}}]
    assert found["clusters"][0]["cluster"]["server"] == f"{double.url}/-/kubernetes-agent/k8s-proxy/"
    assert "current-context" not in found
    assert all(each["key"] != "KUBE_CONTEXT" for each in caller.payload["variables"])


def test_the_most_specific_entry_wins(agent: Agent, take: Any, project: Project) -> None:
    group = agent.project.path_with_namespace.partition("/")[0]
    agent.configure(
        ci_access={
            "groups": [{"id": group, "default_namespace": "of-the-group"}],
            "projects": [{"id": project.path_with_namespace, "default_namespace": "of-the-project"}],
        }
    )
    found = take().kubeconfig()
    assert found is not None
    assert found["contexts"][0]["context"]["namespace"] == "of-the-project"


def test_a_variable_of_the_project_takes_the_place_of_the_agents(agent: Agent, take: Any, project: Project) -> None:
    agent.configure(ci_access={"projects": [{"id": project.path_with_namespace}]})
    project.variables.create({"key": "KUBECONFIG", "value": "/own", "variable_type": "env_var"})
    caller = take()
    assert [each["value"] for each in caller.payload["variables"] if each["key"] == "KUBECONFIG"] == ["/own"]


def test_an_agent_is_connected_while_its_token_is_in_the_cluster_and_active(
    kas: AgentServer, agent: Agent, take: Any, project: Project
) -> None:
    agent.configure(ci_access={"projects": [{"id": project.path_with_namespace}]})
    caller = take()
    assert agent.state()["last_used_at"] is None
    assert caller.call().ok
    assert eventually(lambda: agent.state()["last_used_at"])
    path = f"/projects/{agent.project.id}/cluster_agents/{agent.id}/tokens/{agent.token_id}"
    agent.project.manager.gitlab.http_delete(path)
    kas.later += 10
    status, reason, message = refusal(caller.call())
    assert (status, reason) == (502, "")
    assert message == "GitLab Agent Server: Agent connection not found. Is agent up to date and connected?"


def test_an_agent_whose_secret_is_gone_is_not_connected(
    kas: AgentServer, agent: Agent, take: Any, project: Project
) -> None:
    agent.configure(ci_access={"projects": [{"id": project.path_with_namespace}]})
    caller = take()
    assert caller.call().ok
    kas.cluster.secrets.clear()
    kas.later += 10
    assert refusal(caller.call())[0] == 502


def person_calls(kas: AgentServer, agent: Agent, token: str) -> requests.Response:
    """A request with a personal token."""
    headers = {"Authorization": f"Bearer pat:{agent.id}:{token}"}
    return requests.get(kas.address("/version"), headers=headers, timeout=20)


def test_people_reach_the_cluster_with_a_token_for_it_where_user_access_names_them(
    root: gitlab.Gitlab, kas: AgentServer, agent: Agent, person: Person, project: Project
) -> None:
    made = root.users.get(person.id).personal_access_tokens.create({"name": "kube", "scopes": ["k8s_proxy"]})
    unauthorized = (401, "Unauthorized", "GitLab Agent Server: Unauthorized")
    assert refusal(person_calls(kas, agent, made.token)) == unauthorized
    agent.configure(user_access={"access_as": {"agent": {}}, "projects": [{"id": project.path_with_namespace}]})
    assert refusal(person_calls(kas, agent, made.token)) == unauthorized, "no member yet"
    project.members.create({"user_id": person.id, "access_level": 30})
    assert person_calls(kas, agent, made.token).ok
    assert refusal(person_calls(kas, agent, person.token)) == unauthorized, "the token has another scope"
    assert refusal(person_calls(kas, Agent(agent.project, 10**6, "none", 0), made.token)) == unauthorized
    agent.configure(user_access={"access_as": {"user": {}}, "projects": [{"id": project.path_with_namespace}]})
    assert refusal(person_calls(kas, agent, made.token)) == unauthorized, "to speak for users is GitLab Premium's"


def test_the_internal_api_is_for_the_agent_server_alone(double: Double, bot: gitlab.Gitlab) -> None:
    address = f"{double.url}/api/v4/internal/kubernetes"
    for headers in ({}, {"Gitlab-Kas-Api-Request": "guess"}, {"PRIVATE-TOKEN": double.root_token}):
        assert requests.get(f"{address}/agent_info", headers=headers, timeout=20).status_code == 401
        asked: dict[str, Any] = {"agent_id": 1, "access_type": "personal_access_token", "access_key": double.bot_token}
        answer = requests.post(f"{address}/authorize_proxy_user", json=asked, headers=headers, timeout=20)
        assert answer.status_code == 401
    server = {"Gitlab-Kas-Api-Request": KAS_SECRET, "Gitlab-Agent-Api-Request": "glagent-unknown"}
    assert requests.get(f"{address}/agent_info", headers=server, timeout=20).status_code == 401


def test_a_secret_that_holds_no_token_stops_nothing(
    kas: AgentServer, agent: Agent, take: Any, project: Project
) -> None:
    agent.configure(ci_access={"projects": [{"id": project.path_with_namespace}]})
    for data in ({}, {"token": "no base64"}, {"token": base64.b64encode(b"\xff").decode()}):
        kas.cluster.secrets.insert(0, {"metadata": {"name": "x", "namespace": "y", "uid": "z"}, "data": data})
    kas.later += 10
    assert take().call().ok
