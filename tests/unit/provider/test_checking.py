"""What programs may ask for."""

from __future__ import annotations

import pytest

from testbed.provider.values import UNKNOWN
from tests.unit.provider.conftest import AbortedError, Engine, secret


def test_an_unknown_property_is_refused_with_those_that_exist(engine: Engine) -> None:
    _, failures = engine.check("ProjectLabel", {"project": "1", "color": "#fff", "colour": "#fff"})
    assert "no such property" in failures["colour"]
    assert "priority" in failures["colour"]


def test_a_property_that_only_the_published_provider_has_is_refused_as_such(engine: Engine) -> None:
    _, failures = engine.check("Group", {"path": "a", "avatar": "a.png"})
    assert "install the published provider" in failures["avatar"]


def test_an_output_cannot_be_set(engine: Engine) -> None:
    _, failures = engine.check("Group", {"path": "a", "webUrl": "x"})
    assert "GitLab alone sets it" in failures["webUrl"]


def test_a_required_property_is_demanded_unless_it_is_not_known_yet(engine: Engine) -> None:
    _, failures = engine.check("ProjectLabel", {"project": UNKNOWN})
    assert set(failures) == {"color"}


def test_a_value_outside_the_possible_ones_is_refused_with_them(engine: Engine) -> None:
    _, failures = engine.check("Group", {"path": "a", "visibilityLevel": "secret"})
    assert "private, internal, public" in failures["visibilityLevel"]
    assert "'secret'" in failures["visibilityLevel"]


def test_an_unknown_role_is_refused_with_the_roles(engine: Engine) -> None:
    _, failures = engine.check("BranchProtection", {"project": "1", "branch": "a", "pushAccessLevel": "boss"})
    assert "maintainer" in failures["pushAccessLevel"]


def test_secrets_and_unknowns_come_back_as_they_were(engine: Engine) -> None:
    given = {"project": UNKNOWN, "key": "K", "value": secret("s3cret")}
    inputs, failures = engine.check("ProjectVariable", given)
    assert not failures
    assert inputs == given


def test_a_refused_secret_is_not_shown(engine: Engine) -> None:
    _, failures = engine.check("ProjectVariable", {"project": "1", "key": "K", "value": secret(["s3cret"])})
    assert "s3cret" not in str(failures)


def test_the_id_of_another_resource_becomes_the_number_that_the_schema_has(engine: Engine) -> None:
    inputs, _ = engine.check("Project", {"name": "a", "namespaceId": "12"})
    assert inputs["namespaceId"] == 12


def test_a_missing_name_is_made_from_the_resources_name_and_then_kept(engine: Engine) -> None:
    first, _ = engine.check("ClusterAgent", {"project": "1"})
    assert first["name"] == "example-0001020"
    again, _ = engine.check("ClusterAgent", {"project": "1"}, first | {"name": "example-fffffff"})
    assert again["name"] == "example-fffffff"


def test_a_resource_that_the_double_does_not_have_is_refused_by_its_token(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="resource type gitlab:index/topic:Topic"):
        engine.check("Topic", {})
