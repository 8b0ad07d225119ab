"""People sign in to Argo CD with their GitLab accounts, and may do what their team may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gitlab
import pytest
from selenium.webdriver.common.keys import Keys

from testbed.stacks import ORDER
from tests.browser.browser import Browser, chromium
from tests.eventually import eventually
from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import Platform

pytestmark = pytest.mark.e2e

_SECRET = "argocd-sign-on"


@dataclass(frozen=True, kw_only=True)
class ArgoCD:
    """Argo CD's API, which asks GitLab who people are."""

    testbed: OwnTestbed
    url: str


@pytest.fixture(scope="module")
def argocd(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCD]:
    """Argo CD with GitLab's sign-on, where the platform's group is the team of `dev`."""
    shared_testbed.deploy()
    context = shared_testbed.context
    url = f"http://127.0.0.1:{context.ports['argocd-server']}"
    platform = Platform.on(shared_testbed, tmp_path_factory.mktemp("sign-on"))
    client_id, client_secret = register(shared_testbed, url)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _SECRET, "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}},
        "stringData": {"clientSecret": client_secret},
    }
    configuration = {
        "url": url,
        "signOn": {"clientId": client_id, "clientSecret": {"name": _SECRET, "key": "clientSecret"}},
        "teams": {"development": {"groups": ["bighpc"], "environments": ["dev"]}},
    }
    owner = ORDER[0]
    file = tmp_path_factory.mktemp("secret") / "secret.json"
    file.write_text(json.dumps(secret))
    try:
        platform.run("kubectl", "apply", f"--filename={file}")
        config = {"bighpc:argocd": {"configuration": configuration}}
        platform.pulumi("up", owner, "--yes", "--skip-preview", config=config)
        yield ArgoCD(testbed=shared_testbed, url=url)
    finally:
        platform.pulumi("up", owner, "--yes", "--skip-preview")
        platform.run("kubectl", "delete", "secret", _SECRET, "--namespace=argocd", "--ignore-not-found")


def register(testbed: OwnTestbed, url: str) -> tuple[str, str]:
    """Make Argo CD an application of GitLab, as an administrator does."""
    context = testbed.context
    token = context.secret("gitlab-root-token")
    with gitlab.Gitlab(f"http://127.0.0.1:{context.ports['gitlab']}", private_token=token) as client:
        wanted = {"name": "Argo CD", "redirect_uri": f"{url}/auth/callback", "scopes": "openid profile email"}
        made = client.applications.create({**wanted, "confidential": True})
    return made.application_id, made.secret


@pytest.fixture
def browser(argocd: ArgoCD) -> Iterator[Browser]:
    """A window before Argo CD."""
    with chromium(argocd.url) as window:
        yield window


def asked(browser: Browser, path: str) -> dict[str, Any]:
    """What the API answers whoever is signed in."""
    browser.open(path)
    answer: dict[str, Any] = json.loads(browser.find("body").text)
    return answer


def test_who_signs_in_with_gitlab_may_do_what_the_team_may(argocd: ArgoCD, browser: Browser) -> None:
    known = "the sign-on is there"
    eventually(lambda: "oidcConfig" in asked(browser, "/api/v1/settings"), known)
    assert "loggedIn" not in asked(browser, "/api/v1/session/userinfo")

    browser.open(f"/auth/login?return_url={argocd.url}/applications")
    token = argocd.testbed.context.secret("gitlab-token")
    browser.wait(lambda: browser.find("#token"), "GitLab's page").send_keys(token, Keys.ENTER)
    consent = "form[action='/oauth/authorize'] button[value=authorize]"
    browser.wait(lambda: browser.find(consent), "consent").click()
    browser.wait(lambda: browser.driver.current_url.startswith(f"{argocd.url}/applications"), "the way back")

    user = asked(browser, "/api/v1/session/userinfo")
    assert user["loggedIn"] is True
    assert user["username"]
    assert "bighpc" in user["groups"]
    assert asked(browser, "/api/v1/applications/hello-dev")["metadata"]["name"] == "hello-dev"
    assert asked(browser, "/api/v1/applications/hello-prod")["error"].startswith("permission denied")
