"""Open OnDemand's own configuration files, by the keys of its documentation. Pure."""

from __future__ import annotations

from typing import Any, Final

from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.source_spec import EnvironmentParameters, KustomizeSource
from components.ondemand.ondemand_spec import KubernetesClusterSpec, OpenOnDemandSpec, SlurmClusterSpec

__all__ = ["ONDEMAND", "PORT", "cluster_settings", "dashboard_settings", "ondemand_application", "portal_settings"]

ONDEMAND: Final = "ondemand"
"""The application's name; its overlays are in the environment repository."""
PORT: Final = 8080
"""Where the portal listens, behind the ingress."""

_PLACEHOLDER: Final = "registry.bighpc.test/ondemand"


def portal_settings(spec: OpenOnDemandSpec, gitlab_url: str) -> dict[str, Any]:
    """Return ``ood_portal.yml``, which holds the client's secret."""
    return {
        "servername": spec.host,
        "port": PORT,
        # The ingress ends TLS, and says in its headers what the browser asked for.
        "ssl": None,
        "auth": ["AuthType openid-connect", "Require valid-user"],
        "user_map_match": ".*",
        "logout_redirect": f"/oidc?logout=https%3A%2F%2F{spec.host}",
        "oidc_uri": "/oidc",
        "oidc_provider_metadata_url": f"{gitlab_url}/.well-known/openid-configuration",
        "oidc_client_id": spec.oidc.client_id,
        "oidc_client_secret": spec.oidc.client_secret.get_secret_value(),
        "oidc_remote_user_claim": spec.oidc.user_claim,
        "oidc_scope": "openid profile email",
        "oidc_session_inactivity_timeout": 28800,
        "oidc_session_max_duration": 28800,
        "oidc_settings": {
            "OIDCRedirectURI": f"https://{spec.host}/oidc",
            "OIDCXForwardedHeaders": "X-Forwarded-Host X-Forwarded-Proto",
        },
    }


def cluster_settings(name: str, cluster: KubernetesClusterSpec | SlurmClusterSpec) -> dict[str, Any]:
    """Return ``clusters.d/<name>.yml``."""
    login: dict[str, Any] = {}
    if isinstance(cluster, SlurmClusterSpec):
        optional = {"cluster": cluster.cluster, "submit_host": cluster.submit_host}
        job: dict[str, Any] = {
            "adapter": "slurm",
            "bin": cluster.bin,
            "conf": cluster.conf,
            **{key: value for key, value in optional.items() if value},
        }
        login = {"login": {"host": cluster.login_host}} if cluster.login_host else {}
    else:
        authority = cluster.certificate_authority
        job = {
            "adapter": "kubernetes",
            "config_file": "~/.kube/config",
            "cluster": name,
            "context": cluster.context or name.replace("_", "-"),
            "bin": cluster.bin,
            "namespace_prefix": cluster.namespace_prefix,
            "all_namespaces": False,
            "auto_supplemental_groups": False,
            "server": {"endpoint": cluster.server, **({"cert_authority_file": authority} if authority else {})},
            "auth": {"type": cluster.auth},
        }
    return {"v2": {"metadata": {"title": cluster.title}, **login, "job": job}}


def dashboard_settings(spec: OpenOnDemandSpec) -> dict[str, Any]:
    """Return ``ondemand.d/bighpc.yml``."""
    return {"dashboard_title": spec.title, "pinned_apps": [f"sys/{app}" for app in spec.apps]}


def ondemand_application(spec: OpenOnDemandSpec, *, environment: str, owner: str) -> ArgoApplicationSpec:
    """Return the application: the overlay of the environment repository, with the site's image."""
    return ArgoApplicationSpec(
        name=ONDEMAND,
        owner=owner,
        source=KustomizeSource(),
        parameters={environment: EnvironmentParameters(images=(f"{_PLACEHOLDER}={spec.image}",))},
    )
