"""A file in a repository holds no secrets."""

from __future__ import annotations

from base64 import b64decode

from pulumi_policy import Severity

from components.invariants.forge import file_holds_no_secret
from policies.parts import Properties
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


def _text(file: Properties) -> str:
    content = str(file.get("content") or "")
    if file.get("encoding") != "base64":
        return content
    try:
        return b64decode(content).decode(errors="replace")
    except ValueError:
        return content


RULE = Rule(
    name="gitlab-repositoryfile-no-secret",
    invariant=file_holds_no_secret,
    kinds=frozenset(["gitlab/RepositoryFile"]),
    read=lambda part, _: (_text(part.value),),
    severity=Severity.CRITICAL,
    sources=(
        OWASP.at("CICD-SEC-6"),
        GITLAB_TOKENS,
    ),
)
