"""The drills on the real operator: what is broken is restored by a revert, and nobody has to do anything."""

from __future__ import annotations

import json

import pytest

from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

DRILLS = ("operator-killed",)
"""The one with the most in it: a lock that nobody holds, a state half written. `make drills` runs them all."""


@pytest.mark.parametrize("drill", DRILLS)
def test_a_drill_is_restored(site: Site, drill: str) -> None:
    code, said = site.bighpc("drill", drill, "dev", "--json")
    assert code == 0, said
    report = json.loads(said.splitlines()[-1])
    assert (report["drill"], report["restored"]) == (drill, True)
    assert report["steps"][-1] == {**report["steps"][-1], "name": "after", "said": "nothing differs"}
