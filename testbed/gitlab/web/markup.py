"""Markdown and source text as HTML that is safe to show."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

__all__ = ["Links", "code_lines", "markdown"]

# Landmarks and the one heading of the first rank belong to the page around a text.
_TAGS = nh3.ALLOWED_TAGS - {"area", "article", "aside", "footer", "h1", "header", "hgroup", "map", "nav"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "details": {"open"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
_CLASSES = {"span": {name for name in STANDARD_TYPES.values() if name}}

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


@dataclass(frozen=True)
class Links:
    """Where relative links of a text lead: into a project's files at one ref."""

    project: str
    """Path of its page."""
    ref: str
    directory: str = ""

    def to(self, view: str, target: str) -> str:
        """The address of a file that is named relative to the text."""
        parts = urlsplit(target)
        path = posixpath.normpath(posixpath.join("/", "" if parts.path.startswith("/") else self.directory, parts.path))
        anchor = f"#{parts.fragment}" if parts.fragment else ""
        return f"{self.project}/-/{view}/{quote(self.ref)}{path}{anchor}"


def markdown(text: str, links: Links | None = None) -> Markup:
    """A text of a user. HTML in it is kept as far as it is harmless."""

    def adjust(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) not in (("a", "href"), ("img", "src")):
            return value
        parts = urlsplit(value)
        if parts.scheme or parts.netloc:
            # Nothing is loaded from elsewhere; the text that stands for the image is shown.
            return value if tag == "a" else None
        if links is not None and not value.startswith(("#", "/")):
            return links.to("raw" if tag == "img" else "blob", value)
        return value if tag == "a" or value.startswith("/") else None

    cleaned = nh3.clean(
        _MARKDOWN.render(text),
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        allowed_classes=_CLASSES,
        attribute_filter=adjust,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704 - cleaned in the line before


def code_lines(text: str, filename: str) -> list[Markup]:
    """The lines of a file, coloured by its kind."""
    try:
        lexer = get_lexer_for_filename(filename, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    lines = _coloured(text, lexer).removesuffix("\n").split("\n")
    return [Markup(line) for line in lines]  # noqa: S704 - escaped by the formatter


def _coloured(text: str, lexer: Lexer) -> str:
    return highlight(text, lexer, _FORMATTER)


def _fence(code: str, language: str, _attributes: str) -> str:
    """The inside of a fenced block; nothing lets the parser escape it."""
    try:
        return _coloured(code, get_lexer_by_name(language)) if language else ""
    except ClassNotFound:
        return ""


class _Headings:
    """Puts a text's headings below those of the page around it."""

    def __call__(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


class _Parser:
    def __init__(self) -> None:
        self._parser = MarkdownIt("commonmark", {"html": True, "linkify": False, "highlight": _fence})
        self._parser.enable(["table", "strikethrough"])

    def render(self, text: str) -> str:
        environment: dict[str, object] = {}
        tokens = self._parser.parse(text, environment)
        _Headings()(tokens)
        return str(self._parser.renderer.render(tokens, self._parser.options, environment))


_MARKDOWN = _Parser()
