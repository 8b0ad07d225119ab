"""What a testbed remembers between runs: its network block, ports and size."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from testbed.errors import UserError
from testbed.files import private_directory, write_private
from testbed.layout import Layout, state_directory

__all__ = ["State", "choosing", "exclusive", "load_state", "reserved_by_others", "save_state"]


class State(BaseModel):
    """The choices made for one testbed, in ``testbed.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: int
    """N of its network block 10.N.0.0/16."""
    ports: dict[str, int]
    real_node: bool
    simulated_nodes: int


def load_state(layout: Layout) -> State | None:
    """What the testbed remembers, or None when it was never brought up.

    Raises:
        UserError: when the file is not what this version wrote.
    """
    path = layout.root / "testbed.json"
    if not path.is_file():
        return None
    try:
        return State.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise UserError(
            f"{path}: {where}: {first['msg']}; remove this testbed with "
            f"`bighpc testbed down --purge --name {layout.name}` and bring it up again"
        ) from None


def save_state(layout: Layout, state: State) -> None:
    """Remember the choices."""
    private_directory(layout.root)
    write_private(layout.root / "testbed.json", state.model_dump_json(indent=2) + "\n")


def reserved_by_others(layout: Layout) -> list[State]:
    """What other testbeds hold: this user's, running or not, and those up on the machine from other directories."""
    roots = {path.parent for path in state_directory().glob("*/testbed.json")}
    roots |= {Path(owner.read_text(encoding="utf-8")) for owner in layout.run.parent.glob("*/owner")}
    others = []
    for path in sorted(root / "testbed.json" for root in roots):
        if path.parent != layout.root:
            try:
                others.append(State.model_validate_json(path.read_bytes()))
            except (ValidationError, OSError):
                continue  # Broken or being purged: it reserves nothing.
    return others


@contextmanager
def choosing(layout: Layout) -> Iterator[None]:
    """Hold the machine's choice of addresses: two testbeds that come up at once must not take the same ones."""
    lock = layout.run.parent.with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the testbed for one command; the kernel releases it even when the command is killed.

    Raises:
        UserError: when another command holds it.
    """
    private_directory(layout.root)
    with (layout.root / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UserError(
                f"testbed {layout.name!r} is being brought up or down by process {holder}; "
                "wait until that has ended, or stop it and try again"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
