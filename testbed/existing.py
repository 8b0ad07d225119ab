"""Finds a testbed that was brought up before, running or not."""

from __future__ import annotations

from testbed.context import Context, Tools
from testbed.errors import UserError
from testbed.host.ports import USUAL
from testbed.layout import Layout, NetworkBlock
from testbed.state import State, load_state
from testbed.toolchain import installed

__all__ = ["context_of", "load_context"]


def context_of(layout: Layout, state: State, tools: Tools) -> Context:
    """The testbed as its parts see it."""
    return Context(
        layout=layout,
        network=NetworkBlock(index=state.network),
        ports=state.ports,
        tools=tools,
        real_node=state.real_node,
        simulated_nodes=state.simulated_nodes,
    )


def load_context(layout: Layout) -> Context:
    """The testbed as it was brought up the last time.

    Raises:
        UserError: when it never was, or its tools are gone.
    """
    state, tools = load_state(layout), installed()
    if state is None:
        raise UserError(
            f"testbed {layout.name!r} was never brought up; do that with `bighpc testbed up --name {layout.name}`"
        )
    if state.ports.keys() != USUAL.keys():
        raise UserError(
            f"testbed {layout.name!r} was brought up by another version; "
            f"`bighpc testbed up --name {layout.name}` brings it to this one"
        )
    if tools is None:
        raise UserError(
            f"the tools of testbed {layout.name!r} are no longer there, or not those of this version; "
            f"`bighpc testbed up --name {layout.name}` gets them"
        )
    return context_of(layout, state, tools)
