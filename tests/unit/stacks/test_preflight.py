"""Where the first look at the cluster takes its kubeconfig from: where the Kubernetes provider does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from components.gitlab.group_spec import GitLabGroupSpec
from stacks.environments import Environment
from stacks.fleet_model import Fleet
from stacks.preflight import group_identity, inspect_cluster, inspect_forge
from stacks.problems import ConfigurationError
from stacks.settings import ClusterConnection, GitLabConnection, Settings, parse_stack
from tests.unit.stacks.servers import cluster_answers, serve


@pytest.fixture
def clusters() -> Iterator[dict[str, str]]:
    """Two clusters, by the name of the context that leads to them."""
    with serve(cluster_answers(uid="uid-one")) as one, serve(cluster_answers(uid="uid-two")) as two:
        yield {"one": one, "two": two}


def kubeconfig(clusters: dict[str, str], *names: str, current: bool = True) -> str:
    document = {
        "clusters": [{"name": name, "cluster": {"server": clusters[name]}} for name in names],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in names],
        **({"current-context": names[0]} if current else {}),
    }
    return yaml.safe_dump(document)


def settings(kubeconfig: str | None = None, context: str | None = None, url: str = "http://gitlab.example") -> Settings:
    return Settings(
        environment=Environment.DEV,
        stack_reference="organization/bighpc/dev",
        stack=parse_stack({}, "test"),
        gitlab=GitLabConnection(url=url, token=SecretStr("glpat-x")),
        cluster=ClusterConnection(kubeconfig=kubeconfig, context=context),
    )


def test_a_configured_kubeconfig_may_be_the_content_itself(clusters: dict[str, str]) -> None:
    assert inspect_cluster(settings(kubeconfig(clusters, "two"))) == "uid-two"


def test_a_configured_file_wins_over_the_environment(
    clusters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(clusters, "one"))
    assert inspect_cluster(settings(str(path))) == "uid-one"


@pytest.mark.parametrize(("context", "uid"), [(None, "uid-one"), ("two", "uid-two")])
def test_of_several_files_the_one_with_the_context_counts(
    clusters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: str | None, uid: str
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(kubeconfig(clusters, name))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["/nowhere", str(tmp_path / "one"), str(tmp_path / "two")]))
    assert inspect_cluster(settings(context=context)) == uid


def test_without_anything_else_the_home_directorys_file_counts(
    clusters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(kubeconfig(clusters, "two"))
    assert inspect_cluster(settings()) == "uid-two"


def test_a_kubeconfig_without_a_current_context_is_refused(clusters: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="No current context"):
        inspect_cluster(settings(kubeconfig(clusters, "one", current=False)))


def test_once_gitlab_made_the_group_it_says_who_it_is() -> None:
    group = {"id": 5, "created_at": "2026-11-24T00:00:00.000Z"}
    with serve({"/api/v4/groups/5": (200, group)}) as url:
        identity = group_identity(settings(url=url), "5")
    assert identity == "127.0.0.1/bighpc#5@2026-11-24T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("scopes", "refusal"), [(("api",), "its scopes are read_api"), (("api", "read_api"), "is not there")]
)
def test_a_token_that_reads_is_enough_for_whoever_only_reads(scopes: tuple[str, ...], refusal: str) -> None:
    token = {"/api/v4/personal_access_tokens/self": (200, {"id": 1, "scopes": ["read_api"]})}
    fleet = Fleet(group=GitLabGroupSpec(), projects={}, applications={})
    with serve(token) as url, pytest.raises(ConfigurationError, match=refusal):
        inspect_forge(settings(url=url), fleet, scopes)
