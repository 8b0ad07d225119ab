"""A headless Chromium, and a double with something to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.browser import Browser, chromium
from tests.contract.gitlab.page_scene import Scene, make_scene
from tests.contract.gitlab.support import running_double


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A double of these tests' own."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield make_scene(running)


@pytest.fixture(scope="session")
def shared_browser(scene: Scene) -> Iterator[Browser]:
    """Started once; use `browser`, which begins anew."""
    with chromium(scene.double.url) as made:
        yield made


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    """A browser that nobody is signed in with, as wide as a desk, by day."""
    shared_browser.forget()
    return shared_browser


@pytest.fixture
def member(browser: Browser, scene: Scene) -> Browser:
    """A browser that the owner of the scene is signed in with."""
    browser.sign_in(scene.double.bot_token)
    return browser
