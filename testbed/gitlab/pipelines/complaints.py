"""What gitlab-ci-local says about a configuration, in GitLab's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["translated"]

# What the program says, and what GitLab says in its place.
_MESSAGES = (
    (
        r"stage:(?P<a>.+) not found for (?P<b>.+)",
        "{b} job: chosen stage {a} does not exist; available stages are {stages}",
    ),
    (r"needs: \[(?P<a>.+)\] for (?P<b>.+) could not be found", "{b} job: undefined need: {a}"),
    (
        r"needs: \[(?P<a>.+)\] for (?P<b>.+) is in a future stage",
        "{b} job: need {a} is not defined in current or prior stages",
    ),
    (r"dependencies: \[(?P<a>.+)\] for (?P<b>.+) (cannot|could not) be found", "{b} job: undefined dependency: {a}"),
    (
        r"dependencies: \[(?P<a>.+)\] for (?P<b>.+) is in a future stage",
        "{b} job: dependency {a} is not defined in current or prior stages",
    ),
    (
        r"(?P<a>.+) must have script specified",
        "jobs {a} config should implement the script:, run:, or trigger: keyword",
    ),
    (
        r"(?P<a>.+) has empty script",
        "jobs:{a}:script config should be a string or a nested array of strings up to 10 levels deep",
    ),
    (r"(?P<a>.+) is unspecified, used by (?P<b>.+) extends", "{b}: unknown keys in `extends` (`{a}`)"),
    (r"(?P<a>.+): circular dependency detected in `extends`", "{a}: circular dependency detected in `extends`"),
    (r"!reference \[(?P<a>.+)\] is undefined", "!reference [{a}] could not be found"),
    (r"!reference circular chain detected \[(?P<a>.+)\]", "!reference [{a}] is part of a circular chain"),
)
_SCHEMA_COMPLAINT = re.compile(r"^\s*• (?P<text>.+?)(?: \[#.*\])?$", re.MULTILINE)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\u200b")

_END = "For further troubleshooting"


def translated(output: str, document: Mapping[str, Any]) -> str:
    """What is wrong with a configuration.

    Args:
        output: what the program wrote before it gave up.
        document: the configuration that it was given.

    Returns:
        GitLab's words where they are known, else the program's own.
    """
    text = _ESCAPES.sub("", output).partition(_END)[0]
    complaints = [match["text"].strip() for match in _SCHEMA_COMPLAINT.finditer(text)]
    if complaints:
        return "; ".join(complaints)
    stages = document.get("stages") or ["build", "test", "deploy"]
    listed = ", ".join([".pre", *(str(each) for each in stages if each not in (".pre", ".post")), ".post"])
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    for line in lines:
        for pattern, message in _MESSAGES:
            match = re.fullmatch(pattern, line)
            if match:
                return message.format(**match.groupdict(), stages=listed)
    known = ("Using fallback", "Unable to retrieve", "parsing and downloads", "json schema validated")
    return next((line for line in reversed(lines) if not line.startswith(known)), "Invalid configuration format")
