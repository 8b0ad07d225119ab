"""Chromium, as far as the tests of the page need it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

__all__ = ["Browser", "chromium"]

T = TypeVar("T")

LIMIT = 20  # seconds

TALLEST = 1600
"""Pixels of a page that a picture shows."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

CONTRAST = Path(__file__).with_name("contrast.js").read_text()


class Browser:
    """One window."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def forget(self) -> None:
        """Begin anew: no session, a desk by day, scripts on, nothing noted."""
        self.script_off(False)
        self.look(1280, "light")
        self.driver.get(f"{self.url}/-/assets/mark.svg")
        self.driver.delete_all_cookies()
        self.noted("browser")
        self.noted("performance")

    def open(self, path: str) -> None:
        """Open a page."""
        self.driver.get(self.url + path)

    def sign_in(self, token: str) -> None:
        """Sign in through the form."""
        self.open("/users/sign_in")
        self.find("#token").send_keys(token, Keys.ENTER)
        self.wait(lambda: self.all("form[action='/users/sign_out']"), "signing in")

    def look(self, width: int, scheme: str) -> None:
        """Be as wide as a desk or a phone (pixels), by day (``light``) or night (``dark``)."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self._tell("Emulation.setDeviceMetricsOverride", size)
        self._tell("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def whole_page(self) -> str:
        """A picture of the page, not of its window alone: PNG, in base64. What is below `TALLEST` is left out."""
        width, height = self.ask("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST), "scale": 1}
        taken: str = self._tell("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})["data"]
        return taken

    def script_off(self, off: bool) -> None:
        """Whether pages' scripts run."""
        self._tell("Emulation.setScriptExecutionDisabled", {"value": off})

    def find(self, selector: str) -> WebElement:
        """The first element that a CSS selector finds."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Every element that a CSS selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    @property
    def text(self) -> str:
        """What is to be read in the main part of the page."""
        return self.find("main").text

    @property
    def path(self) -> str:
        """The address without the server's."""
        return self.driver.current_url.removeprefix(self.url)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> WebElement:
        """The element that has the focus."""
        return self.driver.switch_to.active_element

    def tab_to(self, href: str) -> None:
        """Walk with the tabulator key to a link."""
        for _ in range(80):
            self.press(Keys.TAB)
            if self.focused_link == href:
                return
        pytest.fail(f"the tabulator key does not lead to {href} on {self.path}")

    @property
    def focused_link(self) -> str | None:
        """Where the link that has the focus leads."""
        found: str | None = self.ask("return document.activeElement.getAttribute('href')")
        return found

    def wait(self, seen: Callable[[], T], what: str, seconds: int = LIMIT) -> T:
        """Wait until something is there."""
        # A page that keeps itself up to date may replace what is just being read.
        patience = WebDriverWait(self.driver, seconds, 0.1, [NoSuchElementException, StaleElementReferenceException])
        return patience.until(lambda _: seen(), what)

    def ask(self, script: str) -> Any:
        """The value of a script."""
        return self.driver.execute_script(script)

    def weak_contrasts(self) -> list[str]:
        """Texts that are hard to read: below 4.5 to 1, and below 3 to 1 where they are large."""
        found: list[str] = self.ask(CONTRAST)
        return found

    def nameless(self) -> list[str]:
        """Things to use that have no name for those who do not see them."""
        tree = self._tell("Accessibility.getFullAXTree", {})["nodes"]
        used = {"button", "checkbox", "combobox", "link", "searchbox", "textbox", "region", "navigation", "search"}
        return [
            f"{node['role']['value']} {node.get('backendDOMNodeId')}"
            for node in tree
            if not node.get("ignored")
            and node.get("role", {}).get("value") in used
            and not node.get("name", {}).get("value", "").strip()
        ]

    def noted(self, kind: str) -> list[dict[str, Any]]:
        """What the browser noted since it was last asked: ``browser`` (the console) or ``performance``."""
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call] # selenium's
        return entries

    def requested(self) -> list[str]:
        """The addresses that were asked for since the notes were last read."""
        messages = [json.loads(entry["message"])["message"] for entry in self.noted("performance")]
        sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [str(each["request"]["url"]) for each in sent]

    def _tell(self, command: str, parameters: dict[str, Any]) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)


@contextmanager
def chromium(url: str) -> Iterator[Browser]:
    """Start the system's Chromium, without a window, for the pages of one server."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail(
            "these tests need Chromium and its driver; on Debian: apt-get install chromium chromium-driver, "
            "on Ubuntu: apt-get install chromium-browser chromium-chromedriver"
        )
    options = Options()
    options.binary_location = program
    options.add_argument("--headless=new")
    options.add_argument("--disable-background-networking")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox does not work for root.
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = Chrome(options=options, service=Service(driver))
    try:
        yield Browser(made, url)
    finally:
        made.quit()
