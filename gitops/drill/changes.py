"""What a drill commits: changes of the platform's repository that are wrong in a known way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from gitops.drift.data import values
from gitops.errors import CommandError

__all__ = ["Change", "another_value", "failing_program", "refused_object"]

Change = Callable[[Path, str], None]
"""Changes a checkout for an environment."""

_QUOTA: Final = ("config", "bighpc:testbed", "quota")

_FAILS: Final = """
if not pulumi.runtime.is_dry_run():
    raise pulumi.RunError("this is a drill: the program fails after it has declared everything")
"""

# The account of the operator's run may not make any: the cluster refuses it in the middle of the update.
_REFUSED: Final = """
from pulumi_kubernetes.core.v1 import ConfigMap

from components.labels import object_labels

ConfigMap(
    "drill",
    metadata={{
        "name": "drill",
        "namespace": "bighpc-{environment}",
        "labels": object_labels(name="drill", component="drill", environment="{environment}", owner="platform"),
    }},
    data={{"about": "this is a drill"}},
)
"""


def another_value(tree: Path, environment: str) -> None:
    """Give the environment's namespace another quota: one more of the first number that its settings have.

    Raises:
        CommandError: when the settings have none.
    """
    file = tree / f"Pulumi.{environment}.yaml"
    text = file.read_text(encoding="utf-8")
    numbers = [each for each in values(text) if each.path[:-1] == _QUOTA and str(each.value).isdecimal()]
    if not numbers:
        raise CommandError(
            f"Pulumi.{environment}.yaml has no number below {'.'.join(_QUOTA)} that a drill could change",
            "Give the testbed's quota a number of processors or pods.",
        )
    number = min(numbers, key=lambda each: each.node.start_mark.index)
    start, end = number.node.start_mark.index, number.node.end_mark.index
    file.write_text(text[:start] + str(int(number.value) + 1) + text[end:], encoding="utf-8")


def failing_program(tree: Path, environment: str) -> None:
    """Have the program fail once everything is declared: some of it is applied by then."""
    another_value(tree, environment)
    _append(tree, _FAILS)


def refused_object(tree: Path, environment: str) -> None:
    """Declare an object that a preview shows and the cluster refuses the operator's run."""
    _append(tree, _REFUSED.format(environment=environment))


def _append(tree: Path, code: str) -> None:
    program = tree / "__main__.py"
    program.write_text(program.read_text(encoding="utf-8") + code, encoding="utf-8")
