"""The expressions of ``rules: if``: read by a parser of their own, never evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from testbed.gitlab.pipelines.patterns import PatternError, is_regex, search

__all__ = ["ExpressionError", "evaluate"]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<operator>==|!=|=~|!~|&&|\|\||[()])
      | (?P<null>null\b)
      | \$\{(?P<braced>\w+)\} | \$(?P<variable>\w+)
      | "(?P<double>[^"]*)" | '(?P<single>[^']*)'
      | (?P<pattern>/(?:\\/|[^/\n])+/[imsU]*)
    )""",
    re.VERBOSE,
)

_DEEPEST = 50


class ExpressionError(ValueError):
    """Not an expression."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def evaluate(text: str, variables: Mapping[str, str]) -> bool:
    """Whether an expression holds.

    Raises:
        ExpressionError: when it is none.
    """
    reader = _Reader(_tokens(text), variables)
    found = reader.alternatives(0)
    if not reader.done:
        raise ExpressionError("invalid expression syntax")
    return bool(found)


def _tokens(text: str) -> list[_Token]:
    found, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError("invalid expression syntax")
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind]))
        position = match.end()
    return found


class _Reader:
    """Evaluates while it reads; `||` binds least, then `&&`, then comparisons."""

    def __init__(self, tokens: list[_Token], variables: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._variables = variables
        self._next = 0

    @property
    def done(self) -> bool:
        return self._next == len(self._tokens)

    def alternatives(self, depth: int) -> str | bool | None:
        if depth > _DEEPEST:
            raise ExpressionError("invalid expression syntax")
        found = self._conjunction(depth)
        while self._take("||"):
            other = self._conjunction(depth)
            found = bool(found) or bool(other)
        return found

    def _conjunction(self, depth: int) -> str | bool | None:
        found = self._comparison(depth)
        while self._take("&&"):
            other = self._comparison(depth)
            found = bool(found) and bool(other)
        return found

    def _comparison(self, depth: int) -> str | bool | None:
        left = self._value(depth)
        for operator in ("==", "!=", "=~", "!~"):
            if self._take(operator):
                return self._compare(operator, left, self._value(depth))
        return left

    def _compare(self, operator: str, left: str | bool | None, right: str | bool | None) -> bool:
        match operator:
            case "==":
                return left == right
            case "!=":
                return left != right
            case _:
                found = self._matches(left, right)
                return found if operator == "=~" else not found

    def _matches(self, left: str | bool | None, right: str | bool | None) -> bool:
        if not isinstance(left, str) or not isinstance(right, str) or not is_regex(right):
            return False
        try:
            return search(right, left)
        except PatternError:
            raise ExpressionError("invalid expression syntax") from None

    def _value(self, depth: int) -> str | bool | None:
        if self._take("("):
            found = self.alternatives(depth + 1)
            if not self._take(")"):
                raise ExpressionError("invalid expression syntax")
            return found
        if self.done or self._tokens[self._next].kind == "operator":
            raise ExpressionError("invalid expression syntax")
        token = self._tokens[self._next]
        self._next += 1
        if token.kind == "null":
            return None
        return self._variables.get(token.text) if token.kind in ("variable", "braced") else token.text

    def _take(self, operator: str) -> bool:
        here = not self.done and self._tokens[self._next] == _Token("operator", operator)
        self._next += here
        return here
