"""Somebody who visits the page without a browser."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import requests

__all__ = ["Visitor", "active_parts", "words"]


class Visitor:
    """Keeps cookies and sends forms as a browser would."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def get(self, path: str, **query: str) -> requests.Response:
        """Open a page; redirects are followed."""
        return self.session.get(self.url + path, params=query, timeout=20)

    def send(self, path: str, page: str = "/users/sign_in", **fields: str) -> requests.Response:
        """Send a form that stands on a page."""
        return self.session.post(self.url + path, data={"csrf": self.csrf(page), **fields}, timeout=20)

    def csrf(self, page: str) -> str:
        """The word in the forms of a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        assert found is not None, f"no form on {page}"
        return found[1]

    def sign_in(self, token: str, return_to: str = "/") -> requests.Response:
        """Sign in with a token."""
        return self.send("/users/sign_in", token=token, return_to=return_to)

    def crawl(self, start: str, most: int) -> dict[str, requests.Response]:
        """Every page at and below one that links lead to, up to a limit; what other tests made is elsewhere."""
        found: dict[str, requests.Response] = {}
        waiting = [start]
        while waiting and len(found) < most:
            path = waiting.pop(0)
            if path in found:
                continue
            found[path] = self.get(path)
            if "html" in found[path].headers["content-type"]:
                links = [unescape(link).partition("#")[0] for link in re.findall(r'href="([^"]*)"', found[path].text)]
                waiting += [link for link in links if link.startswith(start) and not _known(link)]
                waiting += [path.partition("?")[0] + link for link in links if link.startswith("?")]
        return found


def _known(link: str) -> bool:
    """Assets, and files at commits: they are found at branches as well."""
    return link.startswith("/-/assets/") or re.search(r"/-/(tree|blob|raw|commits)/[0-9a-f]{40}", link) is not None


def words(html: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def active_parts(text: str) -> list[str]:
    """What would run or load in a browser, other than the page's own files."""
    parser = _Parser()
    parser.feed(text)
    return parser.found


class _Parser(HTMLParser):
    """Finds scripts, handlers, styles and foreign addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("script", "link") and not values.get("src", values.get("href", "")).startswith("/-/assets/"):
            self.found.append(self.get_starttag_text() or tag)
        for name, value in values.items():
            foreign = name in ("src", "srcset", "action") and not re.match(r"/(?!/)", value)
            scripted = value.strip().lower().startswith(("javascript:", "data:", "vbscript:"))
            if name.startswith("on") or name == "style" or foreign or scripted:
                self.found.append(self.get_starttag_text() or tag)
        if tag in ("iframe", "object", "embed", "base", "style"):
            self.found.append(tag)
