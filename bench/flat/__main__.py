"""The resources of the dev stack in one flat program: what ``bench.preview`` measures the platform against."""

import os
from typing import Any

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

NAMESPACE = "bighpc-dev"
AGENT = "gitlab-agent-dev"
OPERATOR = "pulumi-operator"
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
platform = gitlab.get_project(path_with_namespace="bighpc/platform")
agents = gitlab.get_project(path_with_namespace="bighpc/ci-cd/agents")

PORTS: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]}
NOTHING: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
WITHIN: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
NAMESPACES: dict[str, dict[str, dict[str, Any]]] = {
    NAMESPACE: {
        "default-deny": NOTHING,
        "allow-dns": PORTS,
        "allow-same-namespace": WITHIN,
        "allow-exposed": WITHIN,
    },
    AGENT: {"default-deny": NOTHING},
}
ACCOUNTS = {NAMESPACE: "workload", AGENT: "gitlab-agent", OPERATOR: "pulumi-dev"}

namespaces: dict[str, kubernetes.core.v1.Namespace] = {}


def inside(namespace: str) -> pulumi.ResourceOptions:
    """Return the options of what lives in a namespace: it waits for one of ours."""
    return pulumi.ResourceOptions(depends_on=[namespaces[namespace]] if namespace in namespaces else [])


for name, network in NAMESPACES.items():
    namespaces[name] = kubernetes.core.v1.Namespace(
        name,
        metadata={
            "name": name,
            "labels": {
                **LABELS,
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/audit": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    )
    kubernetes.core.v1.ResourceQuota(
        f"{name}-quota",
        metadata=metadata("quota", name),
        spec={"hard": {"requests.cpu": "4", "requests.memory": "8Gi", "limits.cpu": "4", "limits.memory": "8Gi"}},
        opts=inside(name),
    )
    kubernetes.core.v1.LimitRange(
        f"{name}-limits",
        metadata=metadata("limits", name),
        spec={"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}}]},
        opts=inside(name),
    )
    for policy, spec in network.items():
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-{policy}", metadata=metadata(policy, name), spec=spec, opts=inside(name)
        )
for name, account in ACCOUNTS.items():
    kubernetes.core.v1.ServiceAccount(
        f"{name}-{account}",
        metadata=metadata(account, name),
        opts=inside(name),
    )

agent = gitlab.ClusterAgent("agent", project=agents.id, name="dev")
agent_token = gitlab.ClusterAgentToken("agent-token", project=agents.id, agent_id=agent.agent_id, name="dev-cluster")
kubernetes.core.v1.Secret(
    "agent-token-secret",
    metadata=metadata("gitlab-agent-token", AGENT),
    string_data={"token": agent_token.token},
    opts=inside(AGENT),
)
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
    opts=pulumi.ResourceOptions(depends_on=[project, namespaces[NAMESPACE]]),
)

MANAGE = ["get", "list", "watch", "create", "patch", "update", "delete"]
WORKLOADS = [
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": MANAGE},
    {"apiGroups": [""], "resources": ["services", "configmaps"], "verbs": MANAGE},
    {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list", "watch"]},
]
OBJECTS = [
    {"apiGroups": [""], "resources": ["resourcequotas", "limitranges", "serviceaccounts"], "verbs": MANAGE},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": MANAGE},
]
APPLICATIONS = [{"apiGroups": ["argoproj.io"], "resources": ["applications", "appprojects"], "verbs": MANAGE}]
STACKS = [
    {"apiGroups": ["pulumi.com"], "resources": ["stacks"], "resourceNames": [NAMESPACE], "verbs": ["get", "patch"]}
]
AGENT_ACCOUNT = {"kind": "ServiceAccount", "name": "gitlab-agent", "namespace": AGENT}
OPERATOR_ACCOUNT = {"kind": "ServiceAccount", "name": "pulumi-dev", "namespace": OPERATOR}
ROLES: list[tuple[str, str, list[dict[str, Any]], dict[str, str]]] = [
    (NAMESPACE, AGENT, WORKLOADS, AGENT_ACCOUNT),
    (NAMESPACE, "bighpc-operator-dev", OBJECTS, OPERATOR_ACCOUNT),
    (AGENT, "bighpc-operator-dev", OBJECTS, OPERATOR_ACCOUNT),
    ("argocd", "bighpc-operator-dev", APPLICATIONS, OPERATOR_ACCOUNT),
    (OPERATOR, "bighpc-operator-dev", STACKS, OPERATOR_ACCOUNT),
    (OPERATOR, "bighpc-release-dev", STACKS, AGENT_ACCOUNT),
]
for name, role, rules, account in ROLES:
    kubernetes.rbac.v1.Role(f"{name}-{role}", metadata=metadata(role, name), rules=rules, opts=inside(name))
    kubernetes.rbac.v1.RoleBinding(
        f"{name}-{role}-binding",
        metadata=metadata(role, name),
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        subjects=[account],
        opts=inside(name),
    )
kubernetes.rbac.v1.ClusterRole(
    "operator-role",
    metadata=metadata("bighpc-operator-dev", None),
    rules=[{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]}],
)
kubernetes.rbac.v1.ClusterRoleBinding(
    "operator-role-binding",
    metadata=metadata("bighpc-operator-dev", None),
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bighpc-operator-dev"},
    subjects=[OPERATOR_ACCOUNT],
)
kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
    "guard",
    metadata=metadata("bighpc-release-dev", None),
    spec={
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["pulumi.com"],
                    "apiVersions": ["*"],
                    "operations": ["UPDATE"],
                    "resources": ["stacks"],
                }
            ]
        },
        "validations": [{"expression": "object.spec.commit != ''", "message": "The release job sets spec.commit."}],
    },
)
kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
    "guard-binding",
    metadata=metadata("bighpc-release-dev", None),
    spec={"policyName": "bighpc-release-dev", "validationActions": ["Deny"]},
)
operator_token = gitlab.ProjectDeployToken(
    "operator-reader", project=platform.id, name="operator-dev", username="operator-dev", scopes=["read_repository"]
)
kubernetes.core.v1.Secret(
    "operator-repository",
    metadata=metadata("bighpc-dev-repository", OPERATOR),
    string_data={"username": "operator-dev", "password": operator_token.token},
)
kubernetes.apiextensions.CustomResource(
    "stack",
    api_version="pulumi.com/v1",
    kind="Stack",
    metadata=metadata(NAMESPACE, OPERATOR),
    spec={"stack": "dev", "projectRepo": platform.http_url_to_repo, "commit": "0" * 40},
)
