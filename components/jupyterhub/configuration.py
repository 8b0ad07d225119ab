"""What the hub is told, by the names of its classes and their traits, and the application that runs it. Pure.

Names are those of JupyterHub 5 [1], KubeSpawner 7 [2] and OAuthenticator 17 [3]; the manifests of the environment
repository and the chart Zero to JupyterHub [4] take the same settings.

[1] https://jupyterhub.readthedocs.io/en/5.5.0/reference/api/app.html
[2] https://jupyterhub-kubespawner.readthedocs.io/en/latest/spawner.html
[3] https://oauthenticator.readthedocs.io/en/latest/reference/api/gen/oauthenticator.gitlab.html
[4] https://z2jh.jupyter.org/en/stable/resources/reference.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.source_spec import EnvironmentParameters, KustomizeSource, Values, merged_values
from components.jupyterhub.jupyterhub_spec import CullingSpec, JupyterHubSpec, ServerProfileSpec
from components.kubernetes.hardware_spec import HardwareProfileSpec, placement
from components.spec import quantity_value

__all__ = [
    "ACCOUNT",
    "HUB_SECRET",
    "JUPYTERHUB",
    "PART",
    "SETTINGS",
    "chart_values",
    "culling_arguments",
    "hub_secrets",
    "hub_settings",
    "jupyterhub_application",
]

JUPYTERHUB: Final = "jupyterhub"
"""The application's name; its overlays are in the environment repository."""
ACCOUNT: Final = "hub"
"""The hub's service account."""
SETTINGS: Final = "jupyterhub-settings"
"""The ConfigMap's name."""
HUB_SECRET: Final = "jupyterhub-secrets"  # noqa: S105 - the name of the object, not what is in it

PART: Final = "bighpc.io/part"
"""The label by which network policies and Services tell hub, proxy and servers apart, whoever made the pods."""

_PLACEHOLDER: Final = "registry.bighpc.test/jupyterhub"
_USER: Final = 1000
"""Of the images' user."""
_HOME: Final = "/home/jovyan"


def hub_secrets(client_secret: str) -> dict[str, str]:
    """Return the hub's environment variables that are secret.

    The proxy's token and the key of cookies are made of the client's secret, so that a site has one secret to keep and
    to renew, and a second run of the program makes the same.
    """

    def derived(purpose: str) -> str:
        return hmac.new(client_secret.encode(), f"bighpc jupyterhub {purpose}".encode(), hashlib.sha256).hexdigest()

    return {
        "GITLAB_CLIENT_SECRET": client_secret,
        "CONFIGPROXY_AUTH_TOKEN": derived("proxy"),
        "JPY_COOKIE_SECRET": derived("cookies"),
    }


def hub_settings(
    spec: JupyterHubSpec, gitlab_url: str, hardware: Mapping[str, HardwareProfileSpec], environment: str
) -> dict[str, dict[str, Any]]:
    """Return the values of traits, by class.

    Args:
        spec: the hub's data.
        gitlab_url: GitLab as browsers reach it, without the path of its API.
        hardware: the profiles of the stack's testbed.
        environment: whose hub it is.
    """
    return {
        "JupyterHub": {
            "authenticator_class": "gitlab",
            # Servers run on when the hub is started anew.
            "cleanup_servers": False,
            "shutdown_on_logout": False,
        },
        "GitLabOAuthenticator": _authentication(spec, gitlab_url),
        "KubeSpawner": {
            **_spawning(spec, environment),
            "profile_list": [
                _profile(name, profile, hardware, environment, first=number == 0)
                for number, (name, profile) in enumerate(spec.offered.items())
            ],
        },
    }


def chart_values(
    spec: JupyterHubSpec, gitlab_url: str, hardware: Mapping[str, HardwareProfileSpec], environment: str
) -> Values:
    """Return the values of Zero to JupyterHub, whose rights and network policies are the program's."""
    settings: Values = {**hub_settings(spec, gitlab_url, hardware, environment)}
    off: Values = {"enabled": False}
    secret: Values = {
        name: {"valueFrom": {"secretKeyRef": {"name": HUB_SECRET, "key": name}}}
        for name in hub_secrets(spec.oauth.client_secret.get_secret_value())
    }
    database: Values = {"type": "sqlite-memory"}
    if spec.database:
        volume: Values = {"storage": spec.database.size, "storageClassName": spec.database.storage_class}
        database = {"type": "sqlite-pvc", "pvc": volume}
    hub: Values = {
        "config": settings,
        "extraEnv": secret,
        "labels": {PART: "hub"},
        "serviceAccount": {"create": False, "name": ACCOUNT},
        "networkPolicy": off,
        "db": database,
    }
    culling = spec.culling
    return {
        "rbac": {"create": False},
        "hub": hub,
        "proxy": {"labels": {PART: "proxy"}, "service": {"type": "ClusterIP"}, "chp": {"networkPolicy": off}},
        "singleuser": {"networkPolicy": off, "cloudMetadata": {"blockWithIptables": False}},
        # Both are the whole cluster's.
        "scheduling": {"userScheduler": off, "podPriority": off},
        "prePuller": {"hook": off, "continuous": off},
        "cull": {
            "enabled": True,
            "timeout": culling.idle_minutes * 60,
            "every": culling.every_seconds,
            "maxAge": (culling.longest_hours or 0) * 3600,
        },
    }


def jupyterhub_application(
    spec: JupyterHubSpec,
    gitlab_url: str,
    hardware: Mapping[str, HardwareProfileSpec],
    *,
    environment: str,
    owner: str,
) -> ArgoApplicationSpec:
    """Return the application: the chart, or the overlay of the environment repository with the site's image."""
    if spec.chart is not None:
        values = merged_values(chart_values(spec, gitlab_url, hardware, environment), spec.chart.values)
        source = spec.chart.model_copy(update={"values": values})
        return ArgoApplicationSpec(name=JUPYTERHUB, owner=owner, source=source)
    told = (hub_settings(spec, gitlab_url, hardware, environment), culling_arguments(spec.culling))
    secrets = hub_secrets(spec.oauth.client_secret.get_secret_value())
    parameters = EnvironmentParameters(
        images=(f"{_PLACEHOLDER}={spec.image}",),
        components=("database",) if spec.database else (),
        # The hub reads what it is told once: it starts anew when that changes.
        annotations={"bighpc.io/settings": hashlib.sha256(json.dumps([told, secrets]).encode()).hexdigest()[:16]},
    )
    return ArgoApplicationSpec(
        name=JUPYTERHUB, owner=owner, source=KustomizeSource(), parameters={environment: parameters}
    )


def culling_arguments(culling: CullingSpec) -> list[str]:
    """Return what the idle culler is started with."""
    longest = [f"--max-age={culling.longest_hours * 3600}"] if culling.longest_hours else []
    return [f"--timeout={culling.idle_minutes * 60}", f"--cull-every={culling.every_seconds}", *longest]


def _authentication(spec: JupyterHubSpec, gitlab_url: str) -> dict[str, Any]:
    oauth = spec.oauth
    # Browsers and pods may know GitLab by different addresses.
    inside = (oauth.gitlab_url or gitlab_url).rstrip("/")
    return {
        "client_id": oauth.client_id,
        "oauth_callback_url": f"{spec.address}/hub/oauth_callback",
        "authorize_url": f"{gitlab_url}/oauth/authorize",
        "gitlab_url": inside,
        # To read groups takes more than to read the user.
        "scope": ["read_api"] if oauth.groups else ["read_user"],
        "allowed_gitlab_groups": list(oauth.groups),
        "allowed_users": list(oauth.users),
        "admin_users": list(oauth.admins),
    }


def _spawning(spec: JupyterHubSpec, environment: str) -> dict[str, Any]:
    return {
        "cmd": ["jupyterhub-singleuser"],
        "default_url": "/lab",
        "notebook_dir": _HOME,
        "start_timeout": spec.start_seconds,
        "http_timeout": 120,
        # KubeSpawner's own come last, and call servers by the hub's name.
        "common_labels": {
            "app.kubernetes.io/name": "jupyter-server",
            "app.kubernetes.io/managed-by": "kubespawner",
            "app.kubernetes.io/part-of": "bighpc",
        },
        "extra_labels": {PART: "server", "bighpc.io/environment": environment},
        "automount_service_account_token": False,
        "allow_privilege_escalation": False,
        "pod_security_context": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "container_security_context": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
        **_storage(spec),
    }


def _storage(spec: JupyterHubSpec) -> dict[str, Any]:
    home: dict[str, Any] = {"emptyDir": {"sizeLimit": "2Gi"}}
    claim: dict[str, Any] = {}
    if spec.homes:
        home = {"persistentVolumeClaim": {"claimName": "{pvc_name}"}}
        claim = {
            "storage_pvc_ensure": True,
            "storage_capacity": spec.homes.size,
            "storage_class": spec.homes.storage_class,
            "storage_access_modes": ["ReadWriteOnce"],
        }
    return {
        "volumes": [{"name": "home", **home}, {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
        "volume_mounts": [{"name": "home", "mountPath": _HOME}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in a container
        **claim,
    }


def _profile(
    name: str, profile: ServerProfileSpec, hardware: Mapping[str, HardwareProfileSpec], environment: str, *, first: bool
) -> dict[str, Any]:
    override: dict[str, Any] = {
        "image": profile.image,
        "cpu_limit": float(quantity_value(profile.cores)),
        "cpu_guarantee": float(quantity_value(profile.cores)),
        # Its own suffixes are not those of Kubernetes.
        "mem_limit": int(quantity_value(profile.memory)),
        "mem_guarantee": int(quantity_value(profile.memory)),
    }
    if profile.hardware is not None:
        place = placement(profile.hardware, hardware[profile.hardware], environment)
        override |= {
            "node_selector": dict(place.node_selector),
            "tolerations": [dict(each) for each in place.tolerations],
            "priority_class_name": place.priority_class,
        }
        if profile.accelerators and place.accelerator:
            amount = {place.accelerator: str(profile.accelerators)}
            override |= {"extra_resource_limits": amount, "extra_resource_guarantees": amount}
    return {
        "slug": name,
        "display_name": profile.title,
        **({"description": profile.description} if profile.description else {}),
        **({"default": True} if first else {}),
        "kubespawner_override": override,
    }
