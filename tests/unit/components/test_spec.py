from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.spec import Repeated, Spec, quantity_value


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4", "4"), ("500m", "0.5"), ("1.5", "1.5"), ("8Gi", "8589934592"), ("2k", "2000"), ("1Ki", "1024")],
)
def test_a_quantity_stands_for_its_amount(text: str, amount: str) -> None:
    assert quantity_value(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "-1", "+1", "1GB", "1 Gi", "Gi", "1mm", "1iK", ".5", "1.2.3", "1e3", "four", "٤"]
)
def test_what_is_no_positive_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        quantity_value(text)


@given(st.text(max_size=8))
def test_any_text_is_either_a_positive_amount_or_refused(text: str) -> None:
    try:
        amount = quantity_value(text)
    except ValueError:
        return
    assert amount > 0


@given(st.integers(min_value=1, max_value=10**6))
def test_a_thousand_thousandths_are_one(number: int) -> None:
    assert quantity_value(f"{number * 1000}m") == quantity_value(str(number))


class Ports(Spec):
    open: tuple[int, ...] = ()
    command: Annotated[tuple[str, ...], Repeated] = ()


def test_every_entry_that_a_list_has_already_is_refused_at_its_place() -> None:
    with pytest.raises(ValidationError) as refusal:
        Ports(open=(22, 443, 22, 443))
    assert [(each["loc"], each["input"]) for each in refusal.value.errors()] == [(("open", 2), 22), (("open", 3), 443)]


def test_the_words_of_a_command_may_repeat() -> None:
    assert Ports(command=("tar", "-v", "-v")).command == ("tar", "-v", "-v")
