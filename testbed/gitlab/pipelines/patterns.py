"""Patterns that configurations write. Regular expressions run in RE2, as in GitLab: no pattern can take for ever."""

from __future__ import annotations

import re
from functools import lru_cache

import re2

__all__ = ["PatternError", "compile_regex", "glob_matches", "is_regex", "search"]

_LITERAL = re.compile(r"/(?P<body>.*)/(?P<flags>[imsU]*)", re.DOTALL)


class PatternError(ValueError):
    """Not a regular expression that RE2 knows."""


def is_regex(text: str) -> bool:
    """Whether a text is written ``/.../`` with flags."""
    return _LITERAL.fullmatch(text) is not None


@lru_cache(maxsize=256)
def compile_regex(text: str) -> re2._Regexp:
    """The expression in ``/.../flags``, or the text itself as one.

    Raises:
        PatternError: when it is none.
    """
    match = _LITERAL.fullmatch(text)
    body, flags = (match["body"].replace("\\/", "/"), match["flags"]) if match else (text, "")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"(?{flags}){body}" if flags else body, options)
    except re2.error:
        raise PatternError(f"{text!r} is no regular expression in RE2's syntax") from None


def search(pattern: str, text: str) -> bool:
    """Whether a pattern occurs in a text."""
    return compile_regex(pattern).search(text) is not None


def glob_matches(pattern: str, path: str) -> bool:
    """Whether a path fits a pattern with ``*``, ``**``, ``?``, ``[...]`` and ``{a,b}``; dots are nothing special."""
    return bool(_glob(pattern.lstrip("/")).fullmatch(path))


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re2._Regexp:
    out, index, depth = "", 0, 0
    while index < len(pattern):
        rest = pattern[index:]
        char = rest[0]
        if rest.startswith("**/"):
            out, step = out + "(?:.*/)?", 3
        elif rest.startswith("**"):
            out, step = out + ".*", 2
        elif char == "*":
            out, step = out + "[^/]*", 1
        elif char == "?":
            out, step = out + "[^/]", 1
        elif char == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            inner = rest[1:end].replace("\\", "\\\\")
            out, step = out + f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]", end + 1
        elif char == "{" and "}" in rest:
            out, step, depth = out + "(?:", 1, depth + 1
        elif char == "}" and depth:
            out, step, depth = out + ")", 1, depth - 1
        elif char == "," and depth:
            out, step = out + "|", 1
        else:
            out, step = out + re2.escape(char), 1
        index += step
    return compile_regex(out)
