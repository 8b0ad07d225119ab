from __future__ import annotations

import subprocess
import sys

import pytest

from testbed.errors import UserError
from testbed.layout import Layout
from testbed.state import State, exclusive, load_state, reserved_by_others, save_state

STATE = State(network=222, ports={"gitlab": 8929}, real_node=True, simulated_nodes=3)


def test_what_was_saved_is_loaded(layout: Layout) -> None:
    save_state(layout, STATE)
    assert load_state(layout) == STATE


def test_a_testbed_that_never_was_has_no_state(layout: Layout) -> None:
    assert load_state(layout) is None


@pytest.mark.parametrize(
    ("content", "place"),
    [("{", "content"), ("{}", "network"), (STATE.model_dump_json()[:-1] + ', "more": 1}', "more")],
)
def test_a_damaged_state_names_the_file_the_place_and_the_remedy(layout: Layout, content: str, place: str) -> None:
    save_state(layout, STATE)
    path = layout.root / "testbed.json"
    path.write_text(content)
    with pytest.raises(UserError, match=rf"{path}: {place}: .*down --purge --name paper"):
        load_state(layout)


def test_other_testbeds_reserve_what_they_use(layout: Layout) -> None:
    other = Layout(name="other")
    save_state(layout, STATE)
    save_state(other, STATE.model_copy(update={"network": 201}))
    assert [state.network for state in reserved_by_others(layout)] == [201]


def test_a_second_command_is_refused_while_one_works_and_told_which(layout: Layout) -> None:
    with exclusive(layout):
        code = (
            "from testbed.layout import Layout; from testbed.state import exclusive\n"
            "from testbed.errors import UserError\n"
            "try:\n    exclusive(Layout(name='paper')).__enter__()\nexcept UserError as error:\n    print(error)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    import os

    assert f"being brought up or down by process {os.getpid()}" in said


def test_the_testbed_is_free_again_afterwards(layout: Layout) -> None:
    with exclusive(layout):
        pass
    with exclusive(layout):
        pass
