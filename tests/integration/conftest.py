"""What integration tests share: one testbed of the run's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.own_testbed import OwnTestbed, own_testbed


@pytest.fixture(scope="session")
def shared_testbed() -> Iterator[OwnTestbed]:
    """The run's own testbed, brought up once; use `testbed`, which makes sure that it still is."""
    with own_testbed() as testbed:
        testbed.up("--simulated-nodes", "2")
        yield testbed


@pytest.fixture
def testbed(shared_testbed: OwnTestbed) -> OwnTestbed:
    """The run's own testbed with everything ready, whatever the test before did to it."""
    if shared_testbed.unready():
        shared_testbed.up()
    return shared_testbed
