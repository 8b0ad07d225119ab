"""Where a resource is declared, in this very checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.pulumi.declared import declaration

CHECKOUT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("kind", "component", "name", "within", "file", "data"),
    [
        (
            "kubernetes:core/v1:ResourceQuota",
            "bighpc:testbed:Testbed",
            "testbed-quota",
            "testbed",
            "components/kubernetes/testbed.py",
            "Pulumi.dev.yaml",
        ),
        (
            "gitlab:index/groupLabel:GroupLabel",
            "bighpc:gitlab:Group",
            "forge-label-bug",
            "forge",
            "components/gitlab/group.py",
            "stacks/group.yaml",
        ),
        (
            "gitlab:index/project:Project",
            "bighpc:gitlab:Project",
            "components/accounting-project",
            "components/accounting",
            "components/gitlab/project.py",
            "stacks/projects/components/accounting.yaml",
        ),
    ],
)
def test_a_resource_has_its_component_its_code_and_its_data(
    kind: str, component: str, name: str, within: str, file: str, data: str
) -> None:
    urn = f"urn:pulumi:dev::bighpc::{component}${kind}::{name}"
    above = f"urn:pulumi:dev::bighpc::{component}::{within}"
    stack = "urn:pulumi:dev::bighpc::pulumi:pulumi:Stack::bighpc-dev"
    found = declaration(CHECKOUT, urn, {urn: above, above: stack})
    assert found.component == f"{component.rpartition(':')[2]} {within}"
    made = [place for place in found.code if place.startswith(f"{file}:")]
    assert len(made) >= 2, "the component, and what makes the resource in it"
    assert any(place.startswith("stacks/") for place in found.code)
    assert data in found.data


def test_what_has_no_component_has_no_code() -> None:
    found = declaration(CHECKOUT, "urn:pulumi:dev::bighpc::a:b:C::alone", {})
    assert (found.component, found.code, found.data) == ("", (), ())
