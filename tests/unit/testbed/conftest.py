"""A testbed on paper: its context, with tools that are only names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.context import Context
from testbed.host.ports import USUAL
from testbed.layout import Layout, NetworkBlock


@dataclass(frozen=True)
class PaperTools:
    """Tools that nobody runs."""

    bin: Path
    assets: Path

    def path(self, name: str) -> Path:
        return self.bin / name

    def version(self, name: str) -> str:
        return "v1.2.3"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A testbed whose files are all below the test's own directory."""
    monkeypatch.setenv("BIGHPC_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(Layout, "run", tmp_path / "run")
    monkeypatch.setattr(Layout, "memory", tmp_path / "memory")
    return Layout(name="paper")


@pytest.fixture
def make_context(layout: Layout, tmp_path: Path) -> Callable[..., Context]:
    """Make a context with or without a real node."""

    def make(*, real_node: bool = True, simulated_nodes: int = 2) -> Context:
        (tmp_path / "bin").mkdir(exist_ok=True)
        return Context(
            layout=layout,
            network=NetworkBlock(index=222),
            ports=dict(USUAL),
            tools=PaperTools(tmp_path / "bin", tmp_path / "assets"),
            real_node=real_node,
            simulated_nodes=simulated_nodes,
        )

    return make


@pytest.fixture
def context(make_context: Callable[..., Context]) -> Context:
    """A testbed with a real node."""
    return make_context()
