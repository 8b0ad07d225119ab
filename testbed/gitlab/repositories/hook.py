"""What Git runs around a push: ``hook.py pre-receive`` refuses, ``hook.py post-receive`` writes down what happened.

The server passes what the hook must know in environment variables. Only the standard library and `rules` are used, to
start fast.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

if __package__:
    from testbed.gitlab.repositories.rules import ZERO, Change, PushPolicy, refusal
else:
    from rules import ZERO, Change, PushPolicy, refusal  # type: ignore[import-not-found,no-redef]

__all__ = ["POLICY_VARIABLE", "RECEIPT_VARIABLE", "main"]

POLICY_VARIABLE = "GITLAB_DOUBLE_POLICY"
"""The push policy as JSON."""

RECEIPT_VARIABLE = "GITLAB_DOUBLE_RECEIPT"
"""JSON with ``file``, where post-receive writes, and ``facts``, which it copies there."""


def main(name: str) -> int:
    """Run a hook on the changes that Git gives on standard input."""
    changes = [Change(*line.split(" ", 2)) for line in sys.stdin.read().splitlines()]
    if name == "pre-receive":
        return _refuse(changes)
    _note(changes)
    return 0


def _refuse(changes: list[Change]) -> int:
    policy = PushPolicy.from_json(os.environ[POLICY_VARIABLE])
    for change in changes:
        reason = refusal(policy, change, _is_forced)
        if reason:
            sys.stderr.write(f"GitLab: {reason}\n")
            return 1
    return 0


def _is_forced(change: Change) -> bool:
    if ZERO in (change.old, change.new):
        return False
    answer = subprocess.run(["git", "merge-base", "--is-ancestor", change.old, change.new], check=False)
    return answer.returncode != 0


def _note(changes: list[Change]) -> None:
    receipt = json.loads(os.environ[RECEIPT_VARIABLE])
    file = Path(receipt["file"])
    count = int(os.environ.get("GIT_PUSH_OPTION_COUNT", "0"))
    options = [os.environ[f"GIT_PUSH_OPTION_{index}"] for index in range(count)]
    listed = [[change.old, change.new, change.ref] for change in changes]
    facts = receipt["facts"]
    content = {**facts, "changes": listed, "options": [*facts.get("options", []), *options]}
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content))
    unfinished.rename(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
