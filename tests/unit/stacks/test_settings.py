"""Settings that the configuration files of ``tests/data`` do not show."""

from __future__ import annotations

import json

import pulumi
import pytest

from stacks.environments import Environment
from stacks.problems import ConfigurationError
from stacks.settings import load_settings, parse_stack
from tests.conftest import Recorder


@pytest.fixture
def connected(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_BASE_URL", "http://127.0.0.1:8929/api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-environment")


def configure(monkeypatch: pytest.MonkeyPatch, **config: str) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({key.replace("_", ":", 1): value for key, value in config.items()}))


def test_every_default_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGHPC_OPERATOR_VARIABLES", raising=False)
    assert parse_stack({}, "test").model_dump(mode="json", by_alias=True) == {
        "forge": {"owner": False, "protect": False},
        "gitlab": {"group": "bighpc", "tier": "free", "timeoutSeconds": 10},
        "kubernetes": {"timeoutSeconds": 10},
        "registry": {"url": None},
        "testbed": {
            "owner": "platform",
            "podSecurity": "restricted",
            "quota": {"cpu": "8", "memory": "16Gi", "storage": "100Gi", "pods": 50, "volumeClaims": 10},
            "container": {
                "requestCpu": "50m",
                "requestMemory": "64Mi",
                "limitCpu": "500m",
                "limitMemory": "256Mi",
            },
            "hardware": {},
        },
        "argocd": {
            "install": "external",
            "chart": None,
            "namespace": "argocd",
            "server": "https://kubernetes.default.svc",
            "configuration": None,
            "windows": [],
            "commitStatuses": True,
            "applicationsUrl": None,
            "webhook": None,
        },
        "operator": {
            "install": "external",
            "chart": None,
            "generation": "v1",
            "namespace": "pulumi-operator",
            "account": None,
            "credentials": None,
            "environment": ["GITLAB_BASE_URL", "GITLAB_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"],
            "rights": {},
            "reconcile": {"mode": "gated", "resyncSeconds": None},
            "workspace": {
                "image": None,
                "cpu": "500m",
                "memory": "1Gi",
                "memoryLimit": "2Gi",
                "ephemeralStorage": "4Gi",
            },
        },
        "applications": None,
        "images": None,
        "monitoring": None,
        "jupyterhub": None,
        "ondemand": None,
        "charts": None,
        "hookTokens": {},
        "secrets": {},
        "guard": {"moveTo": {"cluster": None, "gitlab": None}},
        "workloads": {
            "type": "none",
            "queues": ["batch"],
            "slurm": {"containers": True, "accelerator": "gpu", "constraints": {}},
        },
    }


@pytest.mark.usefixtures("connected")
def test_the_providers_own_configuration_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, gitlab_baseUrl="https://gitlab.example/api/v4", gitlab_token="glpat-configured")
    settings = load_settings()
    assert settings.gitlab.url == "https://gitlab.example"
    assert settings.gitlab.token.get_secret_value() == "glpat-configured"


@pytest.mark.usefixtures("connected")
def test_a_gitlab_below_a_path_keeps_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, gitlab_baseUrl="https://example.org/gitlab/api/v4/")
    assert load_settings().gitlab.url == "https://example.org/gitlab"


@pytest.mark.usefixtures("connected")
def test_the_stack_is_named_in_full_so_that_the_engine_finds_it() -> None:
    settings = load_settings()
    assert settings.environment is Environment.DEV
    assert settings.stack_reference == "organization/bighpc/dev"


@pytest.mark.usefixtures("connected")
def test_an_encrypted_value_is_not_shown_even_when_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, bighpc_argocd="s3cret")
    monkeypatch.setattr(pulumi.runtime, "is_config_secret", lambda key: key == "bighpc:argocd")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert "argocd: (secret)" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.usefixtures("connected")
def test_a_token_is_not_in_the_settings_representation() -> None:
    assert "glpat-environment" not in repr(load_settings())


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_stack({}, "test").forge = None  # type: ignore[assignment,misc]
