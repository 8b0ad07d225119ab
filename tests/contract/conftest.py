"""What the tests of the doubles share."""

from __future__ import annotations

import pytest

from testbed.toolchain import ensure_package


@pytest.fixture(scope="session")
def compiler() -> None:
    """gitlab-ci-local in the tool store, where every double looks for it."""
    ensure_package("gitlab-ci-local")
