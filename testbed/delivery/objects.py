"""The Kubernetes objects that Argo CD and the operator need before they start: upstream's own, plus their settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from testbed.commands import run
from testbed.context import Context
from testbed.delivery.applications_page import ACCOUNT, ACCOUNT_POLICY
from testbed.delivery.metrics import metrics_services
from testbed.delivery.operator import OPERATOR_NAMESPACE, credentials

__all__ = ["ARGOCD_NAMESPACE", "apply"]

ARGOCD_NAMESPACE = "argocd"

_DEFINITIONS = ("argocd-crds", "operator-crds")

_ACCESS = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}

_EMPTY = ("cmd-params", "tls-certs", "ssh-known-hosts", "gpg-keys", "notifications")
"""Settings that Argo CD looks for, and that the testbed leaves as they are."""

_PART_OF_ARGOCD = {"app.kubernetes.io/part-of": "argocd"}

# Argo CD before 3.6 knows no health of the operator's Stack objects; this follows their conditions.
_STACK_HEALTH = """\
local health = {status = "Progressing", message = "waiting for the operator"}
if obj.status == nil or obj.status.conditions == nil then
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    return {status = "Degraded", message = condition.message}
  end
  if condition.type == "Ready" and condition.status == "True" then
    health = {status = "Healthy", message = condition.message}
  end
end
return health
"""


def apply(context: Context) -> None:
    """Create or update everything; safe to repeat.

    Raises:
        UserError: when the API server refuses an object.
    """
    tools, kubeconfig = context.tools, context.admin_kubeconfig()
    documents = [
        *_namespaces(),
        *_in(ARGOCD_NAMESPACE, _access(tools.assets / "argocd-base")),
        *_in(ARGOCD_NAMESPACE, _access(tools.assets / "argocd-cluster-rbac")),
        *_in(OPERATOR_NAMESPACE, _access(tools.assets / "operator-rbac")),
        *_settings(context),
        *credentials(context),
        *metrics_services(context, argocd=ARGOCD_NAMESPACE, operator=OPERATOR_NAMESPACE),
    ]
    definitions = [f"--filename={file}" for name in _DEFINITIONS for file in _definitions(tools.assets / name)]
    # Server-side: the ApplicationSet definition is too large for an annotation that remembers it. Without validation:
    # it is the server that validates, and asking it for all schemas first takes seconds.
    apply = ("apply", "--server-side", "--force-conflicts", "--validate=false", "--field-manager=bighpc-testbed")
    run(
        tools.path("kubectl"),
        *(*apply, *definitions, "--filename=-"),
        given=yaml.safe_dump_all(documents),
        environment={"KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)},
    )


def _definitions(directory: Path) -> list[Path]:
    return [file for file in sorted(directory.glob("*.yaml")) if file.name != "kustomization.yaml"]


def _namespaces() -> Iterator[dict[str, Any]]:
    for name in (ARGOCD_NAMESPACE, OPERATOR_NAMESPACE):
        yield {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {
                    "app.kubernetes.io/managed-by": "bighpc-testbed",
                    "pod-security.kubernetes.io/enforce": "restricted",
                },
            },
        }


def _access(directory: Path) -> Iterator[dict[str, Any]]:
    """The service accounts, roles and bindings among upstream's manifests."""
    for file in sorted(directory.rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if isinstance(document, dict) and document.get("kind") in _ACCESS:
                yield document


def _in(namespace: str, documents: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The documents as upstream's installation places them: namespaced ones and bound accounts in ``namespace``."""
    for document in documents:
        if not document["kind"].startswith("Cluster"):
            document["metadata"]["namespace"] = namespace
        for subject in document.get("subjects", []):
            subject["namespace"] = namespace
        yield document


def _settings(context: Context) -> Iterator[dict[str, Any]]:
    def object_(kind: str, name: str, **fields: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": ARGOCD_NAMESPACE, "labels": _PART_OF_ARGOCD}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}

    yield object_(
        "ConfigMap",
        "argocd-cm",
        data={
            "url": f"http://127.0.0.1:{context.ports['argocd-server']}",
            "timeout.reconciliation": "60s",
            "resource.customizations.health.pulumi.com_Stack": _STACK_HEALTH,
            f"accounts.{ACCOUNT}": "apiKey",
        },
    )
    yield object_("ConfigMap", "argocd-rbac-cm", data={"policy.csv": ACCOUNT_POLICY})
    for name in _EMPTY:
        yield object_("ConfigMap", f"argocd-{name}-cm")
    # As upstream's are: who is told what, and with which token, is for the platform's own stack.
    yield object_("Secret", "argocd-notifications-secret")
    # The API server adds the administrator's password and its signing key on its first start.
    yield object_("Secret", "argocd-secret", stringData={"webhook.gitlab.secret": context.secret("argocd-webhook")})
