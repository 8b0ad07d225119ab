from __future__ import annotations

import io

import pytest
from rich.console import Console

from testbed import operations
from testbed.errors import UserError
from testbed.host import preflight
from testbed.host.ports import USUAL
from testbed.layout import Layout, NetworkBlock
from testbed.operations import Wishes, _choose, _real_node
from testbed.progress import Progress
from testbed.state import State, save_state

BEFORE = State(network=222, ports=dict(USUAL), real_node=True, simulated_nodes=5)


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Network blocks that a route of the machine overlaps with."""
    taken: set[int] = set()

    def overlapping(network: NetworkBlock, *, ignored_device: str) -> str | None:
        return f"{network.cidr} via docker0" if network.index in taken else None

    monkeypatch.setattr(operations, "overlapping_route", overlapping)
    monkeypatch.setattr("testbed.host.ports.is_free", lambda _: True)
    return taken


def choose(layout: Layout, before: State | None = None, *, running: bool = False, **wishes: object) -> State:
    return _choose(layout, Wishes(**wishes), before, real_node=True, running=running)  # type: ignore[arg-type]


@pytest.mark.usefixtures("routes")
def test_a_first_testbed_gets_the_defaults(layout: Layout) -> None:
    state = choose(layout)
    assert (state.simulated_nodes, state.ports) == (operations.DEFAULT_SIMULATED_NODES, dict(USUAL))


@pytest.mark.usefixtures("routes")
def test_without_wishes_everything_stays_as_it_was(layout: Layout) -> None:
    assert choose(layout, BEFORE) == BEFORE
    assert choose(layout, BEFORE, running=True) == BEFORE


@pytest.mark.usefixtures("routes")
def test_the_number_of_simulated_nodes_may_change_while_it_runs(layout: Layout) -> None:
    assert choose(layout, BEFORE, running=True, simulated_nodes=0).simulated_nodes == 0


@pytest.mark.usefixtures("routes")
def test_ports_cannot_move_while_it_runs(layout: Layout) -> None:
    with pytest.raises(UserError, match=r"ports cannot move meanwhile \(gitlab\); .*down --name paper"):
        choose(layout, BEFORE, running=True, ports={"gitlab": 9000})


def test_a_block_with_a_route_or_another_testbed_is_passed_over(layout: Layout, routes: set[int]) -> None:
    save_state(Layout(name="other"), BEFORE)
    routes.update(set(range(200, 251)) - {222, 223})
    assert choose(layout).network == 223


def test_no_free_block_is_refused(layout: Layout, routes: set[int]) -> None:
    routes.update(range(200, 251))
    with pytest.raises(UserError, match="no network block from 10.200.0.0/16 to 10.250.0.0/16 is free"):
        choose(layout)


def test_a_route_that_came_in_the_way_later_is_named_with_the_remedies(layout: Layout, routes: set[int]) -> None:
    routes.add(222)
    with pytest.raises(
        UserError, match=r"10.222.0.0/16 overlaps with the route .*docker0; .*down --purge --name paper"
    ):
        choose(layout, BEFORE)


@pytest.mark.parametrize(
    ("obstacle", "wish", "before", "expected"),
    [
        (None, None, None, True),
        (None, False, BEFORE, False),
        (None, None, BEFORE.model_copy(update={"real_node": False}), False),
        (None, True, BEFORE.model_copy(update={"real_node": False}), True),
        ("you are not root", None, None, False),
        ("you are not root", None, BEFORE, False),
        ("you are not root", False, None, False),
    ],
)
def test_a_real_node_is_there_when_possible_and_not_unwanted(
    monkeypatch: pytest.MonkeyPatch, obstacle: str | None, wish: bool | None, before: State | None, expected: bool
) -> None:
    monkeypatch.setattr(preflight, "real_node_possible", lambda: obstacle)
    output = io.StringIO()
    assert _real_node(Wishes(real_node=wish), before, Progress(Console(file=output))) is expected
    silent = obstacle is None or wish is False
    assert ("simulated nodes only" in output.getvalue()) is not silent


def test_a_real_node_that_is_impossible_but_demanded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "real_node_possible", lambda: "you are not root")
    with pytest.raises(UserError, match="a real node is not possible: you are not root"):
        _real_node(Wishes(real_node=True), None, Progress(Console(file=io.StringIO())))
