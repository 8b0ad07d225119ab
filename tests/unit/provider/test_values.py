"""Values on their way between the engine and us."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from testbed.provider.values import (
    UNKNOWN,
    from_struct,
    has_unknown,
    mark_secrets,
    plain,
    secret_names,
    secret_texts,
    to_struct,
)
from tests.unit.provider.conftest import secret

# Numbers travel as floating point: whole ones are exact up to 2**53.
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
properties = st.dictionaries(st.text(min_size=1), values, max_size=4)


@given(properties)
def test_what_arrives_is_what_was_sent(given_properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(given_properties)) == given_properties


@given(properties)
def test_marking_hides_nothing_but_the_mark(given_properties: dict[str, Any]) -> None:
    marked = mark_secrets(given_properties, given_properties)
    assert plain(marked) == given_properties
    assert secret_names(marked) == {name for name, value in given_properties.items() if value is not None}


def test_a_secret_is_found_at_any_depth() -> None:
    value = {"a": [{"b": secret({"c": ["deep", "deeper"]})}], "d": "open"}
    assert secret_names(value) == {"a"}
    assert secret_texts(value) == {"deep", "deeper"}


def test_an_unknown_is_found_at_any_depth_and_within_a_secret() -> None:
    assert has_unknown(plain({"a": [secret(UNKNOWN)]}))
    assert not has_unknown({"a": ["04da6b54"]})


def test_an_output_without_a_value_is_unknown() -> None:
    assert plain({"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}) == UNKNOWN
