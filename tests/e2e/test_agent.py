"""Push-based deployment: a job reaches the cluster through the agent, and no further than the agent may go."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from gitlab.v4.objects import Project

from testbed.context import Context
from tests.contract.gitlab.support import fresh
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.e2e

_LIMIT = 180.0
"""Seconds for a pipeline of one job."""
_CONTEXT = 'kubectl config use-context "$CI_PROJECT_ROOT_NAMESPACE/ci-cd/agents:dev"'
_LABELS = {"app.kubernetes.io/name": "pushed"}
_POD = {
    "serviceAccountName": "workload",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "hello",
            "image": "registry.bighpc.test/hello:1.0.0",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "pushed"},
    "spec": {
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": _POD},
    },
}


def _job(*script: str) -> str:
    """A pipeline of one job for the environment dev."""
    return yaml.safe_dump({"try": {"tags": ["shell"], "environment": "dev", "script": list(script)}})


def _ran(project: Project, branch: str, configuration: str) -> tuple[str, str]:
    """Commit a pipeline to a branch; status and log of its one job."""
    file = {"action": "update", "file_path": ".gitlab-ci.yml", "content": configuration}
    commit = project.commits.create({"branch": branch, "commit_message": "test: a deployment", "actions": [file]})
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        for pipeline in project.pipelines.list(sha=commit.id, get_all=True):
            for job in pipeline.jobs.list(get_all=True):
                if job.status in ("success", "failed", "canceled"):
                    return job.status, bytes(project.jobs.get(job.id).trace()).decode()
        time.sleep(0.5)
    raise AssertionError(f"the job of {commit.id} did not end within {_LIMIT} s")


@pytest.fixture(scope="module")
def context(shared_testbed: OwnTestbed) -> Context:
    """A testbed with the platform on it."""
    shared_testbed.deploy()
    return shared_testbed.context


@pytest.fixture
def platform(shared_testbed: OwnTestbed, context: Context) -> Iterator[Project]:
    """The project that the agent's configuration opens the agent to; its pipeline is put back afterwards."""
    assert context.real_node, "deployments need a node that runs them"
    with shared_testbed.forge() as client:
        project = client.projects.get("bighpc/platform")
        assert isinstance(project, Project)
        kept = project.files.get(".gitlab-ci.yml", ref="dev").decode().decode()
        yield project
        file = {"action": "update", "file_path": ".gitlab-ci.yml", "content": kept}
        message = "test: the pipeline as it was [skip ci]"
        project.commits.create({"branch": "dev", "commit_message": message, "actions": [file]})


@pytest.fixture
def stranger(shared_testbed: OwnTestbed, context: Context) -> Iterator[Project]:
    """A project of the same group that no agent is open to."""
    with shared_testbed.forge() as client:
        group = client.groups.get("bighpc")
        made = client.projects.create(
            {"name": fresh("stranger"), "namespace_id": group.id, "initialize_with_readme": True}
        )
        assert isinstance(made, Project)
        file = {"action": "create", "file_path": ".gitlab-ci.yml", "content": "{}"}
        made.commits.create({"branch": "main", "commit_message": "Start [skip ci]", "actions": [file]})
        yield made
        made.delete()


def test_a_job_deploys_through_the_agent_and_not_outside_of_its_namespace(platform: Project) -> None:
    manifest = json.dumps(_DEPLOYMENT)
    status, log = _ran(
        platform,
        "dev",
        _job(
            _CONTEXT,
            f"echo '{manifest}' | kubectl apply --filename -",
            "kubectl rollout status deployment/pushed --timeout=90s",
            "kubectl get pods --selector app.kubernetes.io/name=pushed --output wide",
            "kubectl delete deployment pushed",
            "if kubectl get deployments --namespace bighpc-prod; then echo reached prod; fi",
            "if kubectl get secrets; then echo read secrets; fi",
        ),
    )
    assert status == "success", log
    assert 'deployment "pushed" successfully rolled out' in log
    assert "testbed-0" in log, "the pod is real"
    account = 'User "system:serviceaccount:gitlab-agent-dev:gitlab-agent" cannot list resource'
    assert f'{account} "deployments" in API group "apps" in the namespace "bighpc-prod"' in log
    assert f'{account} "secrets" in API group "" in the namespace "bighpc-dev"' in log
    assert "\nreached prod" not in log
    assert "\nread secrets" not in log


def test_a_job_of_a_project_without_access_has_no_way_in(stranger: Project, context: Context) -> None:
    address = f"https://127.0.0.1:{context.ports['gitlab-kas']}/-/kubernetes-agent/k8s-proxy/version"
    call = f"curl --silent --insecure --output /dev/null --write-out '%{{http_code}}' {address}"
    status, log = _ran(
        stranger,
        "main",
        _job(
            'echo "kubeconfig: ${KUBECONFIG:-none}"',
            f'echo "answer: $({call} --header "Authorization: Bearer ci:{_agent_id(stranger)}:$CI_JOB_TOKEN")"',
        ),
    )
    assert status == "success", log
    assert "kubeconfig: none" in log
    assert "answer: 401" in log or "answer: 403" in log or "answer: 404" in log, log


def _agent_id(project: Project) -> int:
    agents: Any = project.manager.gitlab.projects.get("bighpc/ci-cd/agents").cluster_agents
    return next(int(each.id) for each in agents.list(get_all=True) if each.name == "dev")
