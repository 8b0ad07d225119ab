"""``python -m stacks.check``: check every stack file and the fleet, without engine, GitLab or cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stacks.documents import read_mapping
from stacks.environments import Environment
from stacks.fleet import load_fleet
from stacks.problems import Collector, ConfigurationError
from stacks.selection import select
from stacks.settings import NAMESPACE, StackSettings, parse_stack, stack_file

__all__ = ["check", "main", "read_stack"]

ROOT = Path(__file__).parents[1]


def check(root: Path = ROOT) -> None:
    """Check the stack file of every environment against the settings and the fleet.

    Args:
        root: the directory with the stack files and ``stacks/``.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    collector = Collector()
    fleet = collector.attempt(load_fleet, root / "stacks")
    stacks = {each: collector.attempt(read_stack, root / stack_file(each.stack)) for each in Environment}
    for environment, settings in stacks.items():
        if fleet is not None and settings is not None:
            collector.attempt(select, fleet, settings, environment, stack_file(environment.stack))
    _check_owner({each: settings for each, settings in stacks.items() if settings is not None}, collector)
    collector.close()


def read_stack(path: Path) -> StackSettings:
    """Return what a stack file says, with a text in place of each encrypted value.

    Raises:
        ConfigurationError: with every problem found.
    """
    config = read_mapping(path, path.name).get("config") or {}
    own = {key.partition(":")[2]: _plain(value) for key, value in config.items() if key.startswith(f"{NAMESPACE}:")}
    return parse_stack(own, path.name)


def _plain(value: Any) -> Any:
    """Return a value with a text in place of each encrypted one: only the engine can tell what it is."""
    if isinstance(value, dict):
        return "(encrypted)" if value.keys() == {"secure"} else {key: _plain(each) for key, each in value.items()}
    return value


def _check_owner(stacks: dict[Environment, StackSettings], collector: Collector) -> None:
    owners = [each for each, settings in stacks.items() if settings.forge.owner]
    if len(stacks) == len(Environment) and len(owners) != 1:
        collector.refuse(
            f"{NAMESPACE}:forge.owner",
            f"value true in {', '.join(stack_file(each.stack) for each in owners) or 'no stack file'}",
            "exactly one stack owns the forge",
            f"set it to true in {stack_file(Environment.PROD.stack)} alone",
        )


def main(arguments: Sequence[str] = ()) -> int:
    """Check and report; 1 when something is wrong."""
    try:
        check(Path(arguments[0]) if arguments else ROOT)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("stack files and fleet: no problems\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
