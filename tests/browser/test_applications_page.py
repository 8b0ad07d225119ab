"""The page of applications in a real browser, before a fake of Argo CD."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitops.applications.argocd import ArgoCD, Connection
from gitops.applications.page import create_page
from tests.browser.browser import Browser, chromium
from tests.browser.picture import picture
from tests.contract.gitops.applications.fake_argocd import TOKEN, FakeArgoCD
from tests.contract.serving import serving

pytestmark = pytest.mark.browser

PAGES = ("/", "/applications/hello-dev", "/objects/hello-dev/pod-real", "/objects/hello-dev/deployment", "/nowhere")


@pytest.fixture(scope="module")
def argocd() -> FakeArgoCD:
    return FakeArgoCD()


@pytest.fixture(scope="module")
def window(argocd: FakeArgoCD) -> Iterator[Browser]:
    with serving(argocd.app()) as behind:
        page = create_page(ArgoCD(Connection(url=behind, token=TOKEN)), ("127.0.0.1",))
        with serving(page) as url, chromium(url) as made:
            yield made


@pytest.fixture
def browser(window: Browser, argocd: FakeArgoCD) -> Browser:
    argocd.reset()
    window.forget()
    return window


def test_an_application_that_degrades_shows_it_by_itself(browser: Browser, argocd: FakeArgoCD) -> None:
    browser.open("/applications/hello-dev")
    assert "Degraded" not in browser.text
    argocd.application["status"]["health"] = {"status": "Degraded", "message": "the image cannot be pulled"}
    argocd.tree["nodes"][0]["health"] = {"status": "Degraded", "message": "Back-off pulling image"}
    argocd.changed()
    browser.wait(lambda: "the image cannot be pulled" in browser.text, "the page to follow")
    assert "Back-off pulling image" in browser.text


def test_the_documentation_shows_the_page_as_it_is(browser: Browser) -> None:
    browser.open("/applications/hello-dev")
    picture(browser, "applications")


def test_the_overview_follows_too(browser: Browser, argocd: FakeArgoCD) -> None:
    browser.open("/")
    argocd.application["status"]["sync"]["status"] = "OutOfSync"
    argocd.changed()
    browser.wait(lambda: "OutOfSync" in browser.text, "the overview to follow")


def test_the_log_grows_while_it_is_looked_at(browser: Browser, argocd: FakeArgoCD) -> None:
    browser.open("/objects/hello-dev/pod-real")
    browser.wait(lambda: "GET / 200" in browser.find("#log").text, "the log")
    argocd.log.append("<b>POST</b> refused")
    browser.wait(lambda: "<b>POST</b> refused" in browser.find("#log").text, "the log to grow, as text")


def test_who_walks_with_the_keyboard_stays_where_they_are(browser: Browser, argocd: FakeArgoCD) -> None:
    browser.open("/applications/hello-dev")
    browser.tab_to("/objects/hello-dev/service")
    argocd.application["status"]["health"] = {"status": "Progressing"}
    argocd.changed()
    browser.wait(lambda: "Progressing" in browser.text, "the page to follow")
    assert browser.focused_link == "/objects/hello-dev/service"


def test_without_scripts_everything_but_the_log_is_there(browser: Browser) -> None:
    browser.script_off(True)
    browser.open("/applications/hello-dev")
    assert "hello-abc-simulated" in browser.find("main").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_read_and_used_by_everybody(browser: Browser, path: str, scheme: str) -> None:
    for width in (1280, 400):
        browser.look(width, scheme)
        browser.open(path)
        assert browser.weak_contrasts() == []
        assert browser.nameless() == []
        assert browser.ask("return document.documentElement.scrollWidth <= innerWidth"), f"{width} pixels are enough"


def test_pages_ask_nobody_else_and_complain_of_nothing(browser: Browser) -> None:
    for path in PAGES[:-1]:
        browser.open(path)
    foreign = [url for url in browser.requested() if not url.startswith((browser.url, "data:"))]
    assert foreign == []
    assert [entry["message"] for entry in browser.noted("browser")] == []
