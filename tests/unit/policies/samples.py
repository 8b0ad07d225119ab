"""Resources that break no rule, and how to change them."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from typing import Any, Final

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from components.labels import object_labels

UNKNOWN: Final = UNKNOWN_STRING_VALUE
"""What a preview does not know."""

ABSENT: Final = object()
"""As a change: the key or the element goes."""

ENFORCE = "pod-security.kubernetes.io/enforce"
PART_OF = "app.kubernetes.io/part-of"
REPOSITORY_LABEL = "argocd.argoproj.io/secret-type"
DIGEST = f"sha256:{64 * '0'}"
ENVIRONMENT = "bighpc.io/environment"
LABELS = object_labels(name="subject", component="test", environment="dev", owner="platform")
HERE = {"server": "https://kubernetes.default.svc", "namespace": "bighpc-dev"}


def having(sample: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with other values at some paths, whose steps are separated by blanks."""
    changed = deepcopy(sample)
    for path, value in changes.items():
        *steps, last = path.split(" ")
        place: Any = changed
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        key: Any = int(last) if isinstance(place, list) else last
        if value is ABSENT:
            del place[key]
        else:
            place[key] = value
    return changed


def b64(text: str) -> str:
    """Return the text as a secret's data holds it."""
    return b64encode(text.encode()).decode()


def _object(namespace: str | None = "bighpc-dev", **fields: Any) -> dict[str, Any]:
    place = {} if namespace is None else {"namespace": namespace}
    return {"metadata": {"name": "subject", "labels": LABELS, **place}, **fields}


GROUP = {
    "path": "bighpc",
    "name": "BigHPC",
    "visibilityLevel": "private",
    "requireTwoFactorAuthentication": True,
}
PROJECT = {
    "name": "subject",
    "path": "subject",
    "visibilityLevel": "internal",
    "defaultBranch": "main",
    "onlyAllowMergeIfPipelineSucceeds": True,
    "onlyAllowMergeIfAllDiscussionsAreResolved": True,
}
BRANCH_PROTECTION = {
    "project": "7",
    "branch": "prod",
    "pushAccessLevel": "no one",
    "mergeAccessLevel": "maintainer",
    "allowForcePush": False,
}
TAG_PROTECTION = {"project": "7", "tag": "v*", "createAccessLevel": "maintainer"}
PROTECTED_ENVIRONMENT = {
    "project": "7",
    "environment": "prod",
    "deployAccessLevelsAttributes": [{"accessLevel": "maintainer"}],
}
FILE = {"project": "7", "branch": "main", "filePath": "a.yaml", "content": "a: 1", "encoding": "text"}
HOOK = {
    "project": "7",
    "url": "https://argocd.example/api/webhook",
    "token": "canary-hook",
    "enableSslVerification": True,
}
VARIABLE = {
    "project": "7",
    "key": "API_TOKEN",
    "value": "canary-variable",
    "masked": True,
    "protected": True,
    "environmentScope": "prod",
}
TOKEN = {
    "project": "7",
    "name": "bot",
    "scopes": ["api"],
    "accessLevel": "maintainer",
    "expiresAt": "2027-01-01",
}
DEPLOY_TOKEN = {"project": "7", "name": "reader", "scopes": ["read_repository"], "expiresAt": "2027-01-01"}
RUNNER = {
    "runnerType": "group_type",
    "groupId": 1,
    "tagLists": ["privileged"],
    "untagged": False,
    "accessLevel": "ref_protected",
    "maximumTimeout": 3600,
}
OAUTH = {
    "name": "jupyterhub",
    "redirectUrl": "https://jupyter.example/hub/oauth_callback",
    "scopes": ["openid", "read_user"],
    "confidential": True,
}
NAMESPACE = {"metadata": {"name": "bighpc-dev", "labels": {**LABELS, ENFORCE: "restricted"}}}
CONFIG = _object(data={"level": "debug"})
QUOTA = _object(spec={"hard": {"limits.cpu": "4", "limits.memory": "8Gi", "pods": "50"}})
NETWORK_POLICY = _object(
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
SERVICE = _object(spec={"selector": {"app": "hello"}, "ports": [{"port": 80}]})
INGRESS = _object(
    spec={
        "tls": [{"hosts": ["jupyter.example"], "secretName": "certificate"}],
        "rules": [{"host": "jupyter.example"}],
    }
)
CONTAINER: dict[str, Any] = {
    "name": "app",
    "image": f"registry.example/hello@{DIGEST}",
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
}
POD = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CONTAINER],
}
DEPLOYMENT = _object(
    spec={"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": POD}}
)
JOB = _object(spec={"activeDeadlineSeconds": 600, "template": {"spec": POD}})
ROLE = _object(rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}])
CLUSTER_ROLE = _object(None, rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}])
BINDING = _object(
    None,
    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
    subjects=[{"kind": "ServiceAccount", "name": "agent", "namespace": "bighpc-dev"}],
)
ACCOUNT = _object(automountServiceAccountToken=False)
APP_PROJECT = _object(
    "argocd",
    spec={
        "sourceRepos": ["https://gitlab.example/bighpc/environments.git"],
        "destinations": [HERE],
        "clusterResourceWhitelist": [],
        "namespaceResourceBlacklist": [
            {"group": "", "kind": "ResourceQuota"},
            {"group": "", "kind": "LimitRange"},
            {"group": "networking.k8s.io", "kind": "NetworkPolicy"},
        ],
    },
)
APPLICATION = _object(
    "argocd",
    spec={
        "project": "bighpc-dev",
        "source": {
            "repoURL": "https://gitlab.example/bighpc/environments.git",
            "targetRevision": "dev",
            "path": "applications/hello",
        },
        "destination": HERE,
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 5}},
    },
)
APPLICATION_SET = _object("argocd", spec={"template": {"spec": {"project": "bighpc-dev"}}})
REPOSITORY = having(
    _object(
        "argocd",
        stringData={
            "url": "https://gitlab.example/a.git",
            "username": "reader",
            "password": "canary-password",
        },
    ),
    {f"metadata labels {REPOSITORY_LABEL}": "repository"},
)
ARGOCD_CONFIG = having(_object("argocd", data={"url": "https://argocd.example"}), {"metadata name": "argocd-cm"})
ARGOCD_RBAC = having(_object("argocd", data={}), {"metadata name": "argocd-rbac-cm"})
STACK = _object(
    "bighpc-operator", spec={"stack": "dev", "projectRepo": "https://gitlab.example/p.git", "branch": "dev"}
)


def with_container(changes: dict[str, Any]) -> dict[str, Any]:
    """Return a deployment with another container."""
    return having(DEPLOYMENT, {"spec template spec containers": [having(CONTAINER, changes)]})


def with_image(image: str) -> dict[str, Any]:
    """Return a deployment with another image."""
    return with_container({"image": image})
