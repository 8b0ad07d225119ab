"""A shell that points at a running testbed must not change what these tests see."""

from __future__ import annotations

import pytest

from tests.unit.stacks.cases import VARIABLES


@pytest.fixture(autouse=True)
def neutral_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what ``bighpc testbed env`` exports."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
