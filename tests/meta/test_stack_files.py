"""The files in git are right: stack files, fleet, manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import seed
from stacks.environments import Environment
from stacks.fleet import ENVIRONMENT_REPOSITORY, load_fleet
from stacks.selection import select
from stacks.settings import NAMESPACE, StackSettings, parse_stack

ROOT = Path(__file__).parents[2]


def stack_settings(environment: Environment) -> StackSettings:
    path = ROOT / f"Pulumi.{environment.stack}.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text())["config"]
    raw = {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{NAMESPACE}:")}
    return parse_stack(raw, path.name)


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGHPC_ARGOCD_WEBHOOK_URL", raising=False)


@pytest.mark.parametrize("environment", Environment)
def test_a_stack_file_fits_the_settings_and_the_fleet(environment: Environment) -> None:
    select(load_fleet(), stack_settings(environment), environment, "test")


def test_exactly_one_stack_owns_the_forge() -> None:
    assert [each for each in Environment if stack_settings(each).forge.owner] == [Environment.PROD]


def test_the_project_is_named_like_the_namespace_of_its_keys() -> None:
    assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"] == NAMESPACE


def test_the_seed_and_the_stacks_agree_on_branches_and_repository() -> None:
    assert sorted(seed.BRANCHES) == sorted(each.branch for each in Environment)
    assert seed.REPOSITORY == ENVIRONMENT_REPOSITORY


@pytest.mark.parametrize("environment", Environment)
def test_every_application_has_manifests_for_its_environments(environment: Environment) -> None:
    for name, spec in load_fleet().applications.items():
        if environment in spec.environments and spec.path is None:
            overlay = ROOT / "environments/applications" / name / "overlays" / environment / "kustomization.yaml"
            assert overlay.is_file(), overlay
