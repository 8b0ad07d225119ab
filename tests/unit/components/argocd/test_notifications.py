from __future__ import annotations

import json

import pytest

from components.argocd.configuration import general_settings, role_settings
from components.argocd.installation_spec import ConfigurationSpec
from components.argocd.notifications import SERVICE, TRIGGERS, notification_settings, subscriptions

SETTINGS = notification_settings("https://gitlab.example/", "https://applications.example")


def test_every_trigger_sends_a_template_that_is_there() -> None:
    for trigger in TRIGGERS:
        (condition,) = json.loads(SETTINGS[f"trigger.{trigger}"])
        assert {f"template.{name}" for name in condition["send"]} <= SETTINGS.keys()


def test_the_token_is_a_reference_and_the_address_gitlabs_api() -> None:
    service = json.loads(SETTINGS[f"service.webhook.{SERVICE}"])
    assert service["url"] == "https://gitlab.example/api/v4"
    assert {"name": "PRIVATE-TOKEN", "value": "$gitlab-token"} in service["headers"]


@pytest.mark.parametrize(
    ("template", "state"), [("deployed", "success"), ("health-degraded", "failed"), ("sync-failed", "failed")]
)
def test_a_status_is_set_on_the_synced_commit_of_the_project_that_is_told(template: str, state: str) -> None:
    request = json.loads(SETTINGS[f"template.commit-status-{template}"])["webhook"][SERVICE]
    assert request["method"] == "POST"
    assert request["path"].startswith("/projects/{{ .recipient }}/statuses/{{")
    assert f'"state": "{state}"' in request["body"]
    assert "https://applications.example/applications/" in request["body"]


def test_without_a_page_a_status_leads_nowhere() -> None:
    assert "target_url" not in str(notification_settings("https://gitlab.example", None))


def test_an_application_subscribes_to_every_trigger() -> None:
    assert len(subscriptions("7")) == len(TRIGGERS)
    assert set(subscriptions("7").values()) == {"7"}


def test_teams_see_and_sync_their_environments_alone() -> None:
    spec = ConfigurationSpec.model_validate(
        {"defaultRole": "role:readonly", "teams": {"storage": {"groups": ["bighpc/storage"], "environments": ["dev"]}}}
    )
    settings = role_settings(spec)
    assert settings["policy.default"] == "role:readonly"
    assert settings["policy.bighpc.csv"].splitlines() == [
        "p, role:team-storage, applications, get, bighpc-dev/*, allow",
        "p, role:team-storage, applications, sync, bighpc-dev/*, allow",
        "p, role:team-storage, logs, get, bighpc-dev/*, allow",
        "g, bighpc/storage, role:team-storage",
    ]


def test_people_sign_in_through_gitlab_and_the_secret_stays_where_it_is() -> None:
    spec = ConfigurationSpec.model_validate(
        {
            "url": "https://argocd.example",
            "signOn": {"clientId": "argocd", "clientSecret": {"name": "argocd-sign-on", "key": "secret"}},
        }
    )
    settings = general_settings(spec, "https://gitlab.example")
    assert json.loads(settings["oidc.config"])["clientSecret"] == "$argocd-sign-on:secret"
    assert settings["admin.enabled"] == "false"
