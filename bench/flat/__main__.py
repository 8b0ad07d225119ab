"""The resources of the dev stack in one flat program: what ``bench.preview`` measures the platform against."""

import os
from typing import Any

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

NAMESPACE = "bighpc-dev"
LABELS = {
    "app.kubernetes.io/part-of": "bighpc",
    "app.kubernetes.io/managed-by": "pulumi",
    "bighpc.io/environment": "dev",
    "bighpc.io/owner": "platform",
}


def metadata(name: str, namespace: str | None = NAMESPACE, **labels: str) -> dict[str, object]:
    """Return an object's metadata."""
    return {"name": name, "namespace": namespace, "labels": {**LABELS, **labels}}


repository = gitlab.get_project(path_with_namespace="bighpc/environments")
agents = gitlab.get_project(path_with_namespace="bighpc/ci-cd/agents")

namespace = kubernetes.core.v1.Namespace(
    "namespace",
    metadata={
        "name": NAMESPACE,
        "labels": {
            **LABELS,
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
        },
    },
)
inside = pulumi.ResourceOptions(depends_on=[namespace])

kubernetes.core.v1.ResourceQuota(
    "quota",
    metadata=metadata("quota"),
    spec={"hard": {"requests.cpu": "4", "requests.memory": "8Gi", "limits.cpu": "4", "limits.memory": "8Gi"}},
    opts=inside,
)
kubernetes.core.v1.LimitRange(
    "limits",
    metadata=metadata("limits"),
    spec={"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}}]},
    opts=inside,
)
POLICIES: dict[str, dict[str, Any]] = {
    "default-deny": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    "allow-dns": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]},
    "allow-same-namespace": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    "allow-exposed": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
}
for policy, spec in POLICIES.items():
    kubernetes.networking.v1.NetworkPolicy(policy, metadata=metadata(policy), spec=spec, opts=inside)
kubernetes.core.v1.ServiceAccount("workload", metadata=metadata("workload"), opts=inside)

agent = gitlab.ClusterAgent("agent", project=agents.id, name="dev")
gitlab.ClusterAgentToken("agent-token", project=agents.id, agent_id=agent.agent_id, name="dev-cluster")
gitlab.RepositoryFile(
    "agent-configuration",
    project=agents.id,
    branch="main",
    file_path=".gitlab/agents/dev/config.yaml",
    content="ci_access: {projects: [{id: bighpc/platform, default_namespace: bighpc-dev, environments: [dev]}]}\n",
    encoding="text",
)

token = gitlab.ProjectDeployToken(
    "reader", project=repository.id, name="argocd-dev", username="argocd-dev", scopes=["read_repository"]
)
kubernetes.core.v1.Secret(
    "repository",
    metadata=metadata("repository-environments-dev", "argocd", **{"argocd.argoproj.io/secret-type": "repository"}),
    string_data={
        "type": "git",
        "url": repository.http_url_to_repo,
        "project": NAMESPACE,
        "username": "argocd-dev",
        "password": token.token,
    },
)
project = kubernetes.apiextensions.CustomResource(
    "project",
    api_version="argoproj.io/v1alpha1",
    kind="AppProject",
    metadata=metadata(NAMESPACE, "argocd"),
    spec={
        "sourceRepos": [repository.http_url_to_repo],
        "destinations": [{"server": "https://kubernetes.default.svc", "namespace": NAMESPACE}],
    },
)
if "BIGHPC_ARGOCD_WEBHOOK_URL" in os.environ:
    gitlab.ProjectHook(
        "webhook",
        project=repository.id,
        url=os.environ["BIGHPC_ARGOCD_WEBHOOK_URL"],
        token=os.environ["BIGHPC_ARGOCD_WEBHOOK_SECRET"],
        push_events_branch_filter="dev",
    )
kubernetes.apiextensions.CustomResource(
    "hello",
    api_version="argoproj.io/v1alpha1",
    kind="Application",
    metadata=metadata("hello-dev", "argocd"),
    spec={
        "project": NAMESPACE,
        "source": {
            "repoURL": repository.http_url_to_repo,
            "targetRevision": "dev",
            "path": "applications/hello/overlays/dev",
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    },
    opts=pulumi.ResourceOptions(depends_on=[project, namespace]),
)
