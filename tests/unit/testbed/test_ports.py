from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from testbed.errors import UserError
from testbed.host import ports
from testbed.host.ports import USUAL, choose_ports, is_free, parse_choices


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield server.getsockname()[1]


@pytest.fixture
def all_free(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """A machine on which nothing listens but on the ports in this set."""
    busy: set[int] = set()
    monkeypatch.setattr(ports, "is_free", lambda port: port not in busy)
    return busy


def test_a_port_on_which_something_listens_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_taken_on_every_address_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen(1)
        assert not is_free(server.getsockname()[1])


def test_the_usual_ports_are_taken_when_they_are_free(all_free: set[int]) -> None:
    assert choose_ports(kept={}, fixed={}) == dict(USUAL)


def test_usual_ports_are_all_different() -> None:
    assert len(set(USUAL.values())) == len(USUAL)


def test_the_next_free_port_replaces_a_taken_one(all_free: set[int]) -> None:
    all_free.add(USUAL["gitlab"])
    assert choose_ports(kept={}, fixed={})["gitlab"] == USUAL["gitlab"] + 1


def test_two_names_never_get_the_same_port(all_free: set[int]) -> None:
    all_free.add(USUAL["argocd-server"])  # Its successor is the repo server's usual port.
    chosen = choose_ports(kept={}, fixed={})
    assert len(set(chosen.values())) == len(chosen)


def test_ports_of_the_last_run_are_kept(all_free: set[int]) -> None:
    assert choose_ports(kept={"gitlab": 9123}, fixed={})["gitlab"] == 9123


def test_a_port_of_the_last_run_is_given_up_when_taken(all_free: set[int]) -> None:
    all_free.add(9123)
    assert choose_ports(kept={"gitlab": 9123}, fixed={})["gitlab"] == USUAL["gitlab"]


def test_a_running_testbed_keeps_the_ports_it_listens_on(all_free: set[int]) -> None:
    all_free.update(USUAL.values())
    assert choose_ports(kept=USUAL, fixed={}, running=True) == dict(USUAL)


def test_ports_of_other_testbeds_are_left_alone(all_free: set[int]) -> None:
    assert choose_ports(kept={}, fixed={}, reserved={USUAL["gitlab"]})["gitlab"] == USUAL["gitlab"] + 1


def test_a_chosen_port_that_is_taken_is_refused_with_its_holder(taken: int) -> None:
    with pytest.raises(UserError, match=rf"port {taken}, chosen for gitlab, is taken by .*--port gitlab=PORT"):
        choose_ports(kept={}, fixed={"gitlab": taken})


def test_ports_of_parts_that_no_longer_exist_are_forgotten(all_free: set[int]) -> None:
    assert "vanished" not in choose_ports(kept={"vanished": 9999}, fixed={})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("gitlab", "'' is no port"),
        ("gitlab=http", "'http' is no port"),
        ("gitlab=80", "'80' is no port from 1024"),
        ("gitlab=70000", "'70000' is no port"),
        ("gitlba=9000", "'gitlba' is no port of the testbed; there are .*gitlab"),
    ],
)
def test_a_malformed_choice_is_refused_with_the_remedy(value: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        parse_choices([value])


def test_two_choices_of_one_port_are_refused() -> None:
    with pytest.raises(UserError, match="two names cannot share a port"):
        parse_choices(["gitlab=9000", "registry=9000"])


def test_choices_are_read() -> None:
    assert parse_choices(["gitlab=9000", "registry=9001"]) == {"gitlab": 9000, "registry": 9001}
