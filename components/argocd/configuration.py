"""Argo CD's own settings as the keys of its ConfigMaps: pure, so that tests and policies see what is set."""

from __future__ import annotations

import json
from typing import Any, Final

from components.argocd.installation_spec import ChartSpec, ConfigurationSpec

__all__ = ["STACK_HEALTH", "chart_values", "general_settings", "role_settings"]

STACK_HEALTH: Final = """\
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
"""Argo CD before 3.6 knows no health of the operator's Stack objects; this follows their conditions."""


def general_settings(spec: ConfigurationSpec, gitlab_url: str) -> dict[str, str]:
    """Return the entries of ``argocd-cm``.

    Args:
        spec: what git says.
        gitlab_url: the instance that people sign in with.
    """
    settings: dict[str, str] = {"url": spec.url} if spec.url else {}
    if spec.stack_health:
        settings["resource.customizations.health.pulumi.com_Stack"] = STACK_HEALTH
    if spec.sign_on is not None:
        # Not through dex: GitLab speaks OpenID Connect itself, and tells groups below groups when it is asked.
        settings["oidc.config"] = json.dumps(
            {
                "name": "GitLab",
                "issuer": gitlab_url,
                "clientID": spec.sign_on.client_id,
                "clientSecret": spec.sign_on.client_secret.text,
                "requestedScopes": ["openid", "profile", "email"],
                "enableUserInfoGroups": True,
                "userInfoPath": "/oauth/userinfo",
                "userInfoCacheExpiration": "5m",
            },
            indent=2,
        )
        settings["admin.enabled"] = "false"
    return settings


def role_settings(spec: ConfigurationSpec) -> dict[str, str]:
    """Return the entries of ``argocd-rbac-cm``."""
    settings = {} if spec.default_role is None else {"policy.default": spec.default_role}
    # A key of its own: the installation's policy.csv stays as it is.
    return {**settings, "policy.bighpc.csv": "".join(f"{line}\n" for line in _policy(spec))}


def chart_values(spec: ChartSpec, webhook: Any) -> dict[str, Any]:
    """Return the values that the chart is installed with; settings come from where every installation gets them.

    Args:
        spec: what git says.
        webhook: the secret that GitLab's pushes carry, if there is one.
    """
    replicas = {"replicas": 2} if spec.high_availability else {}
    values: dict[str, Any] = {
        "configs": {
            "cm": {"admin.enabled": False, "exec.enabled": False, "users.anonymous.enabled": "false"},
            # GitLab's commit statuses tell which object is degraded.
            "params": {"controller.resource.health.persist": True},
            "secret": {"gitlabSecret": webhook} if webhook is not None else {},
        },
        "controller": {"resources": {"limits": {"memory": spec.controller_memory}}},
        "dex": {"enabled": False},
        "redis-ha": {"enabled": spec.high_availability},
        "server": replicas,
        "repoServer": replicas,
        "applicationSet": replicas,
    }
    if spec.image_registry is not None:
        values["global"] = {"image": {"repository": f"{spec.image_registry.rstrip('/')}/argoproj/argocd"}}
        values["redis"] = {"image": {"repository": f"{spec.image_registry.rstrip('/')}/docker/library/redis"}}
    return values


def _policy(spec: ConfigurationSpec) -> list[str]:
    lines = [f"g, {group}, role:admin" for group in spec.administrators]
    for name, team in spec.teams.items():
        role = f"role:team-{name}"
        for environment in team.environments:
            objects = f"bighpc-{environment}/*"
            lines += [f"p, {role}, applications, {action}, {objects}, allow" for action in team.actions]
            lines += [f"p, {role}, logs, get, {objects}, allow"] if team.logs else []
        lines += [f"g, {group}, {role}" for group in team.groups]
    return lines
