"""Job logs as HTML: colours, collapsible sections, and nothing that a log could smuggle in.

A log is cut into pieces, each of which names the element that it goes into. So a page that shows the beginning can be
continued by what came since, without the server remembering anything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape

from markupsafe import Markup

__all__ = ["LOG", "Piece", "assemble", "pieces"]

LOG = "log"
"""The element that all of a log goes into."""

_SECTION = re.compile(r"section_(?P<edge>start|end):(?P<time>\d+):(?P<name>[\w.-]+)(?:\[(?P<options>[^\]]*)\])?\r?")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z [0-9a-f]{2}[OE][ +]")
_COLOURS = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b.|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]"
)


@dataclass(frozen=True)
class Piece:
    """HTML, and where it goes."""

    into: str
    html: str
    opens: str | None = None
    """The element inside it that further pieces go into."""


@dataclass(frozen=True)
class _Style:
    """How text looks at one place of a log."""

    fg: int | None = None
    bg: int | None = None
    marks: frozenset[str] = frozenset()

    def after(self, codes: list[int]) -> _Style:
        """The style that a sequence of codes switches to."""
        style, rest = self, iter(codes)
        for code in rest:
            style = style._one(code, rest)
        return style

    def _one(self, code: int, rest: Iterator[int]) -> _Style:
        if code == 0:
            return _Style()
        if code in _MARKS:
            return replace(self, marks=self.marks | {_MARKS[code]})
        if code in _UNMARKS:
            return replace(self, marks=self.marks - _UNMARKS[code])
        tens, colour = divmod(code, 10)
        ground = tens in (4, 10)
        if code in (38, 48):
            found = _extended(rest)
        elif tens in (3, 4, 9, 10) and (colour < 8 or code in (39, 49)):
            found = None if colour == 9 else colour + (8 if tens > 4 else 0)
        else:
            return self
        return replace(self, bg=found) if ground else replace(self, fg=found)

    @property
    def classes(self) -> str:
        """Names for the style sheet."""
        names = sorted(self.marks)
        names += [f"fg{self.fg}"] if self.fg is not None else []
        names += [f"bg{self.bg}"] if self.bg is not None else []
        return " ".join(names)


_MARKS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 9: "struck"}
_UNMARKS = {22: {"bold", "dim"}, 23: {"italic"}, 24: {"underline"}, 29: {"struck"}}


def _extended(rest: Iterator[int]) -> int | None:
    """One of the sixteen colours for one of 256, or of all."""
    match next(rest, None):
        case 5:
            number = next(rest, 0)
            if number < 16:
                return number
            if number >= 232:
                return _nearest(*[8 + (number - 232) * 10] * 3)
            number -= 16
            return _nearest(*(51 * part for part in (number // 36, number // 6 % 6, number % 6)))
        case 2:
            return _nearest(next(rest, 0), next(rest, 0), next(rest, 0))
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    brightest = max(red, green, blue)
    if brightest < 64:
        return 0
    bits = sum(bit for bit, part in ((1, red), (2, green), (4, blue)) if part > brightest / 2)
    return bits + (8 if brightest > 200 and bits != 7 else 0)


def pieces(text: str, first: int = 1) -> list[Piece]:
    """A log, cut up.

    Args:
        text: whole lines; what is after the last line feed is left out.
        first: number of the first line.
    """
    log = _Log(number=first)
    for line in text.split("\n")[:-1]:
        log.line(line)
    return log.made


def assemble(found: list[Piece]) -> Markup:
    """All pieces together, as the inside of the element `LOG`."""
    inside: defaultdict[str, list[str]] = defaultdict(list)
    for piece in reversed(found):
        html = piece.html
        if piece.opens is not None:
            for name in (piece.opens, f"{piece.opens}-took"):
                html = html.replace(f' id="{name}">', f' id="{name}">{"".join(reversed(inside.pop(name, [])))}')
        inside[piece.into].append(html)
    return Markup("".join(reversed(inside[LOG])))  # noqa: S704 - every line was escaped when it was read


@dataclass
class _Log:
    """A log while it is read."""

    number: int
    made: list[Piece] = field(default_factory=list)
    style: _Style = field(default_factory=_Style)
    open: list[tuple[str, str, int]] = field(default_factory=list)
    """Sections that were begun and not ended: name, element, time."""
    header: tuple[str, str, int, bool] | None = None
    """A section whose first line is yet to come."""

    def line(self, line: str) -> None:
        """Read one line."""
        line = _STAMP.sub("", line)
        rest, marked, end = "", False, 0
        for mark in _SECTION.finditer(line):
            rest += line[end : mark.start()]
            end, marked = mark.end(), True
            if mark["edge"] == "start":
                self._begin(mark)
            else:
                self._end(mark["name"], int(mark["time"]))
        rest += line[end:]
        shown = rest.removesuffix("\r").rpartition("\r")[2]
        html = self._text(shown)
        if marked and not html:
            return
        self._put(html)

    def _begin(self, mark: re.Match[str]) -> None:
        if self.header is not None:
            self._put("")
        collapsed = "collapsed=true" in (mark["options"] or "")
        self.header = (mark["name"], f"{LOG}-{self.number}", int(mark["time"]), collapsed)

    def _end(self, name: str, time: int) -> None:
        if self.header is not None:
            self._put("")
        while any(each[0] == name for each in self.open):
            ended, element, begun = self.open.pop()
            if ended == name:
                seconds = max(0, time - begun)
                self.made.append(Piece(f"{element}-took", f"{seconds // 60:02d}:{seconds % 60:02d}"))
                return

    def _put(self, html: str) -> None:
        """Write a line, which is the visible part of a section when one has just begun."""
        number = f'<a class="ln" href="#L{self.number}" id="L{self.number}">{self.number}</a>'
        into = self.open[-1][1] if self.open else LOG
        if self.header is None:
            self.made.append(Piece(into, f'<div class="line">{number}<span>{html}</span></div>'))
        else:
            name, element, time, collapsed = self.header
            title = html or escape(name)
            summary = (
                f'<summary class="line">{number}<span>{title}</span><span class="took" id="{element}-took"></span>'
            )
            body = f'</summary><div id="{element}"></div>'
            opened = "" if collapsed else " open"
            self.made.append(Piece(into, f"<details{opened}>{summary}{body}</details>", element))
            self.open.append((name, element, time))
            self.header = None
        self.number += 1

    def _text(self, line: str) -> str:
        result, end = "", 0
        for code in _COLOURS.finditer(line):
            result += self._styled(line[end : code.start()])
            self.style = self.style.after([int(part or 0) for part in code[1].split(";")][:64])
            end = code.end()
        return result + self._styled(line[end:])

    def _styled(self, text: str) -> str:
        text = escape(_OTHER.sub("", text))
        return f'<span class="{self.style.classes}">{text}</span>' if text and self.style.classes else text
