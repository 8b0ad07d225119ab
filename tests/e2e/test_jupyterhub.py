"""What a researcher does: sign in with GitLab, start a server, run a cell; and what an administrator sees of it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import yaml
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from testbed import jupyterhub
from testbed.cluster.objects import STORAGE_CLASS
from testbed.host.packages import find_command
from testbed.progress import Progress
from testbed.stacks import without_salt
from tests.browser.browser import Browser, chromium
from tests.browser.picture import DIRECTORY
from tests.eventually import eventually
from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import CHECKOUT, Platform

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        os.geteuid() != 0 or find_command("apt-get") is None, reason="packages are unpacked by root on Debian alone"
    ),
]

_FIRST_TIME = 90
"""Seconds for what a person does once: notebooks load their page, and a kernel starts."""
_PRINTED = ".jp-OutputArea-output"
_NAMESPACE = "bighpc-dev-jupyterhub"


@dataclass(frozen=True, kw_only=True)
class Hub:
    """The hub of `dev`, and the testbed that it is on."""

    testbed: OwnTestbed
    platform: Platform
    url: str

    def objects(self, kind: str, namespace: str = _NAMESPACE) -> dict[str, dict[str, Any]]:
        """The objects of a kind, by name."""
        return self.platform.objects(kind, namespace)

    def log(self) -> str:
        """What the hub has said."""
        return self.platform.run("kubectl", "logs", "deployment/hub", f"--namespace={_NAMESPACE}")


@pytest.fixture(scope="module")
def hub(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that ends servers after a minute, with all volumes; `dev` has none before and none afterwards."""
    shared_testbed.deploy()
    context = shared_testbed.context
    directory = tmp_path_factory.mktemp("hub")
    file = directory / "Pulumi.dev.yaml"
    file.write_text(without_salt((CHECKOUT / "Pulumi.dev.yaml").read_text()))
    platform = Platform.on(shared_testbed, directory)
    jupyterhub.configure(context, "dev", platform.environment, Progress(), file)
    up = ("--stack=dev", "--yes", "--skip-preview", "--non-interactive")
    document = yaml.safe_load(file.read_text())
    settings = document["config"]["bighpc:jupyterhub"]
    settings["culling"] = {"idleMinutes": 1, "everySeconds": 5}
    settings["database"] = {"size": "100Mi", "storageClass": STORAGE_CLASS}
    file.write_text(yaml.safe_dump(document))
    made = Hub(testbed=shared_testbed, platform=platform, url=jupyterhub.hub_url(context, "dev"))
    try:
        platform.run("pulumi", "up", f"--config-file={file}", *up)
        eventually(lambda: platform.healthy("jupyterhub-dev"), "the application is healthy")
        yield made
    finally:
        # With what people keep in it, as somebody would who means it.
        platform.run("pulumi", "state", "unprotect", "--all", "--yes", "--stack=dev", "--non-interactive")
        platform.pulumi("up", "dev", "--yes", "--skip-preview")
        eventually(lambda: _NAMESPACE not in made.objects("namespaces"), "nothing is left of the hub")


@pytest.fixture
def browser(hub: Hub) -> Iterator[Browser]:
    """A window before the hub."""
    with chromium(hub.url) as window:
        window.look(1280, "light")
        yield window


def sign_in(browser: Browser, token: str) -> None:
    """Sign in at the hub with GitLab, and let it know who one is."""
    browser.open("/hub/login")
    click(browser, "a[href*=oauth_login]", "the button")
    browser.wait(lambda: browser.find("#token"), "GitLab's page").send_keys(token, Keys.ENTER)
    click(browser, "form[action='/oauth/authorize'] button[value=authorize]", "consent")
    browser.wait(lambda: browser.driver.current_url.startswith(browser.url), "the way back")


def start(browser: Browser) -> None:
    """Start the server that is chosen already."""
    browser.open("/hub/spawn")
    chosen = browser.wait(lambda: browser.find("input[name=profile]:checked"), "the choice of servers")
    assert chosen.get_attribute("value") == "small"
    click(browser, "#spawn_form [type=submit]", "the button")


def run(browser: Browser, code: str) -> str:
    """Type code into the notebook's last cell and run it; returns what it printed."""
    # Until its kernel is there, a notebook draws itself anew, and what is typed goes elsewhere.
    idle = "Python 3 (ipykernel) | Idle"
    browser.wait(lambda: idle in browser.find("#jp-main-statusbar").text, "an idle kernel", _FIRST_TIME)
    before = len(browser.all(_PRINTED))
    click(browser, ".jp-Notebook .jp-CodeCell .cm-content", "a cell")
    browser.press(code)
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    return browser.wait(
        lambda: found[-1].text if len(found := browser.all(_PRINTED)) > before else "",
        "what the cell prints",
        _FIRST_TIME,
    )


def click(browser: Browser, selector: str, what: str) -> None:
    """Click on the last of something once it is there; pages draw themselves anew in between."""

    def clicked() -> bool:
        found = browser.all(selector)
        if found:
            found[-1].click()
        return bool(found)

    browser.wait(clicked, what, _FIRST_TIME)


def test_somebody_signs_in_starts_a_server_and_runs_a_cell(hub: Hub, browser: Browser) -> None:
    sign_in(browser, hub.testbed.context.secret("gitlab-root-token"))
    start(browser)
    pod = eventually(lambda: server(hub, "root"), "the server's pod runs")
    assert pod["spec"]["nodeName"] == "testbed-0", "a real pod"
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "1", "memory": str(1024**3)}
    assert "serviceAccountToken" not in json.dumps(pod["spec"]["volumes"])

    eventually(lambda: "/user/root/lab" in browser.driver.current_url or None, "the notebooks' page")
    click(browser, ".jp-LauncherCard[data-category=Notebook]", "the launcher")
    assert run(browser, "6 * 7") == "42"
    port = hub.testbed.context.ports["gitlab"]
    reached = f"import socket; socket.create_connection(('gitlab.bighpc.test', {port}), timeout=3)"
    assert "TimeoutError" in run(browser, reached), "what people write reaches the hub alone"
    take_picture(browser)

    browser.open("/hub/admin")
    seen = browser.wait(
        lambda: text if "Stop Server" in (text := browser.find("body").text) else "", "the list of servers"
    )
    assert "root" in seen


def test_a_new_pod_of_the_hub_goes_on_with_what_the_last_one_knew(hub: Hub) -> None:
    assert server(hub, "root"), "the browser has gone, the server has not"
    hub.platform.run("kubectl", "rollout", "restart", "deployment/hub", f"--namespace={_NAMESPACE}")
    hub.platform.run("kubectl", "rollout", "status", "deployment/hub", f"--namespace={_NAMESPACE}", "--timeout=120s")
    assert "root still running" in hub.log()
    assert server(hub, "root")


def test_a_server_that_nobody_uses_is_ended_and_its_home_stays(hub: Hub) -> None:
    eventually(lambda: "jupyter-root" not in hub.objects("pods"), "the idle server is ended")
    assert "Culling server root" in hub.log()
    home = hub.objects("persistentvolumeclaims")["claim-root"]["spec"]["volumeName"]
    assert (hub.testbed.layout.volumes / home / "Untitled.ipynb").is_file()


def test_nobody_deletes_the_hub_with_peoples_homes_by_accident(hub: Hub) -> None:
    said = hub.platform.pulumi("preview", "dev", code=None)
    assert "bighpc-dev-jupyterhub" in said
    assert "is protected" in said


def test_who_is_in_no_group_of_the_hub_stays_outside(hub: Hub, browser: Browser) -> None:
    sign_in(browser, stranger(hub))
    assert "403" in browser.find("body").text
    assert "jupyter-stranger" not in hub.objects("pods")


def test_nothing_of_ours_was_said_that_is_secret(hub: Hub) -> None:
    said = hub.log()
    made = hub.objects("secrets")["jupyterhub-secrets"]["data"]
    assert made.keys() == {"GITLAB_CLIENT_SECRET", "CONFIGPROXY_AUTH_TOKEN", "JPY_COOKIE_SECRET"}
    for value in made.values():
        assert base64.b64decode(value).decode() not in said


def server(hub: Hub, user: str) -> dict[str, Any] | None:
    """A person's pod, if it runs."""
    pod = hub.objects("pods").get(f"jupyter-{user}")
    return pod if pod and pod["status"]["phase"] == "Running" else None


def stranger(hub: Hub) -> str:
    """The token of somebody whom GitLab knows, and the hub does not let in."""
    context = hub.testbed.context
    url = f"http://127.0.0.1:{context.ports['gitlab']}"
    with gitlab.Gitlab(url, private_token=context.secret("gitlab-root-token")) as client:
        user = client.users.create(
            {
                "username": "stranger",
                "name": "A stranger",
                "email": "stranger@example.org",
                "password": secrets.token_urlsafe(16),
            }
        )
        return str(user.personal_access_tokens.create({"name": "browser", "scopes": ["api"]}).token)


def take_picture(browser: Browser) -> None:
    """Of what is a page of JupyterLab's, so that nothing of it is compared."""
    if os.environ.get("BIGHPC_TAKE_PICTURES"):
        Path(DIRECTORY / "jupyterhub.png").write_bytes(browser.driver.get_screenshot_as_png())
