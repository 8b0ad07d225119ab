"""Signing in to another program through the double, in a real browser: it must follow every redirect of the way."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser
from tests.browser.picture import picture
from tests.contract.gitlab.oauth_support import Client, register
from tests.contract.gitlab.page_scene import Scene
from tests.contract.gitlab.support import make_person

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    """The address of a program that people come back to; as many do, it sends them on, to another port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{second.server_port}/home?{urlsplit(self.path).query}")
                self.end_headers()
                return
            said = html.escape(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                b"<!doctype html><link rel=icon href='data:,'><title>Hub</title><main>" + said + b"</main>"
            )

        def log_message(self, format: str, *args: object) -> None:
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    second = servers[1]
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True) for each in servers]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{servers[0].server_port}/callback"
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def client(scene: Scene, callback: str) -> Client:
    double = scene.double
    return register(
        double.client(double.root_token), double, "read_user openid email", name="Notebooks", redirect_uri=callback
    )


def question(client: Client, callback: str) -> str:
    asked = {"client_id": client.uid, "redirect_uri": callback, "response_type": "code"}
    return f"/oauth/authorize?{urlencode({**asked, 'scope': 'read_user openid email', 'state': 'a b&c'})}"


def landed(browser: Browser) -> dict[str, list[str]]:
    """What the program was told, once the browser is there."""
    browser.wait(lambda: browser.driver.title == "Hub", "the program's own page")
    return parse_qs(urlsplit(browser.text).query)


def test_a_person_signs_in_allows_it_and_is_not_asked_again(
    browser: Browser, scene: Scene, client: Client, callback: str
) -> None:
    person = make_person(scene.double, scene.double.client(scene.double.root_token))
    browser.open(question(client, callback))
    browser.wait(lambda: browser.all("#token"), "the page of signing in")
    browser.press(person.token, Keys.ENTER)
    browser.wait(lambda: browser.all("button[value=authorize]"), "the page of consent")
    assert "Authorize Notebooks?" in browser.text
    assert browser.weak_contrasts() == []
    assert browser.nameless() == []
    browser.find("button[value=authorize]").click()
    told = landed(browser)
    assert told["state"] == ["a b&c"]
    answer = client.exchange(told["code"][0], redirect_uri=callback)
    assert answer.json()["scope"] == "read_user openid email"

    browser.forget()
    browser.open(question(client, callback))
    browser.wait(lambda: browser.all("#token"), "the page of signing in")
    browser.press(person.token, Keys.ENTER)
    assert landed(browser)["code"] != told["code"]
    assert [note["message"] for note in browser.noted("browser") if note["level"] in ("SEVERE", "WARNING")] == []


def test_who_denies_it_comes_back_as_well(member: Browser, client: Client, callback: str) -> None:
    member.open(question(client, callback))
    member.find("button[value=deny]").click()
    assert landed(member)["error"] == ["access_denied"]


def test_the_page_fits_a_phone_and_can_be_read_at_night(member: Browser, client: Client, callback: str) -> None:
    member.look(390, "dark")
    member.open(question(client, callback))
    assert member.weak_contrasts() == []
    assert member.ask("return document.documentElement.scrollWidth") <= 390


def test_the_documentation_shows_the_page_as_it_is(member: Browser, client: Client, callback: str) -> None:
    member.open(question(client, callback))
    picture(member, "consent")
