import pytest

from greeter import greeting


def test_somebody_is_greeted_by_name():
    assert greeting("Ada") == "Hello, Ada!"


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_in_particular_is_the_world(name):
    assert greeting(name) == "Hello, world!"
