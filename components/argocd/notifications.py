"""What Argo CD tells GitLab: a status on the commit that an application was synced to.

GitLab has no service of its own in Argo CD's notifications, so these are web hooks into GitLab's API. Which GitLab
project the commit is in stands in the application's annotation, as the recipient: a number, since Argo CD's own way to
a project's path knows no subgroups.
"""

from __future__ import annotations

import json
from typing import Final

import pulumi

__all__ = ["SERVICE", "TOKEN_KEY", "TRIGGERS", "notification_settings", "subscriptions"]

SERVICE: Final = "gitlab"
"""The notification service's name in Argo CD."""

TOKEN_KEY: Final = "gitlab-token"  # noqa: S105 - the name of a key
"""Where ``argocd-notifications-secret`` holds the token."""

_SYNCED: Final = ".app.status.operationState.operation.sync.revision"
_REVISION: Final = f"{{{{ {_SYNCED} | default .app.status.sync.revision }}}}"

_REASON: Final = (
    '{{- $reason := "" -}}'
    "{{- range .app.status.resources -}}"
    '{{- if and .health (eq (default "" .health.status) "Degraded") -}}'
    '{{- $reason = printf "%s %s: %s" .kind .name (default "degraded" .health.message) -}}'
    "{{- end -}}{{- end -}}"
    '{{- if not $reason -}}{{- $reason = default "an object of it is degraded" .app.status.health.message -}}'
    "{{- end -}}"
)
"""The object that is degraded, where Argo CD keeps the health of each in the Application."""

_ONCE: Final = (
    "string(app.status.operationState?.syncResult?.revision) + '@' + string(app.status.health?.lastTransitionTime)"
)
"""Once per commit and turn of its health: what recovers is reported again, what is only looked at again is not."""

TRIGGERS: Final = {
    "on-deployed": (
        # An application that is new has no status at all.
        "app.status?.operationState?.phase in ['Succeeded'] and app.status?.health?.status == 'Healthy' "
        "and app.status?.sync?.status == 'Synced'",
        "success",
        '"Synced and healthy."',
        "",
    ),
    "on-health-degraded": ("app.status?.health?.status == 'Degraded'", "failed", '"Degraded: " $reason', _REASON),
    "on-sync-failed": (
        "app.status?.operationState?.phase in ['Error', 'Failed']",
        "failed",
        '"Sync failed: " .app.status.operationState.message',
        "",
    ),
}
"""When Argo CD reports, which state it gives the commit, and how it says why."""


def notification_settings(gitlab_url: str, applications_url: str | None) -> dict[str, str]:
    """Return the entries of ``argocd-notifications-cm``.

    Args:
        gitlab_url: the instance's address, without the path of its API.
        applications_url: where applications can be looked at, which a status leads to; by default nowhere.
    """
    settings = {
        f"service.webhook.{SERVICE}": json.dumps(
            {
                "url": f"{gitlab_url.rstrip('/')}/api/v4",
                "headers": [
                    {"name": "PRIVATE-TOKEN", "value": f"${TOKEN_KEY}"},
                    {"name": "Content-Type", "value": "application/json"},
                ],
            },
            indent=2,
        )
    }
    for trigger, (when, state, words, before) in TRIGGERS.items():
        template = f"commit-status-{trigger.removeprefix('on-')}"
        settings[f"trigger.{trigger}"] = json.dumps(
            [{"when": when, "oncePer": _ONCE, "send": [template]}],
            indent=2,
        )
        settings[f"template.{template}"] = json.dumps(
            {"webhook": {SERVICE: _status(state, words, before, applications_url)}}, indent=2
        )
    return settings


def subscriptions(project: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the annotations by which an application's commits get their statuses.

    Args:
        project: the GitLab project of the commits, by number.
    """
    return {f"notifications.argoproj.io/subscribe.{trigger}.{SERVICE}": project for trigger in TRIGGERS}


def _status(state: str, words: str, before: str, applications_url: str | None) -> dict[str, str]:
    """Return the request that sets a status; GitLab takes 255 characters of description."""
    shown = f"{applications_url.rstrip('/')}/applications/%s" if applications_url else ""
    link = f'"target_url": {{{{ printf {json.dumps(shown)} .app.metadata.name | toJson }}}}, ' if shown else ""
    body = (
        f'{before}{{"state": "{state}", "name": {{{{ printf "argocd/%s" .app.metadata.name | toJson }}}}, '
        f'{link}"description": {{{{ print {words} | trunc 250 | toJson }}}}}}'
    )
    return {"method": "POST", "path": f"/projects/{{{{ .recipient }}}}/statuses/{_REVISION}", "body": body}
