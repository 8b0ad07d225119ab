"""``bighpc drift`` on the platform: real engine, real cluster; what people do by hand is found and named once."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectIssue, ProjectMergeRequest
from lightkube import Client, KubeConfig
from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, LimitRange, ResourceQuota
from lightkube.types import PatchType

from tests.integration.clone import git
from tests.integration.own_testbed import BIGHPC, OwnTestbed
from tests.integration.platform import Platform, copy_checkout

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

APPLICATION = create_namespaced_resource("argoproj.io", "v1alpha1", "Application", "applications")
PROJECT = create_namespaced_resource("argoproj.io", "v1alpha1", "AppProject", "appprojects")
NAMESPACE = "bighpc-dev"
TIMES = int(os.environ.get("BIGHPC_DRIFT_RUNS", "3"))
"""How often a clean platform is looked at; ten times take minutes."""

Found = list[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class World:
    """The platform, brought up, and ways to change it behind its back."""

    tree: Path
    platform: Platform
    forge: gitlab.Gitlab
    cluster: Client

    def drift(self, *arguments: str) -> tuple[int, Found, str]:
        """Run the command: exit code; stack, cause and object of each finding; everything that was printed."""
        done = subprocess.run(
            [BIGHPC, "drift", "--json", *arguments],
            cwd=self.tree,
            env=dict(self.platform.environment),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        told: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout else []
        found = [
            (each["stack"], one["cause"], f"{one['type']} {one['name']}") for each in told for one in each["findings"]
        ]
        return done.returncode, sorted(found), done.stdout + done.stderr

    def repair(self) -> None:
        """Make reality follow the program again, as `--fix` says."""
        force = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
        for stack in ("prod", "dev"):
            self.platform.pulumi("up", stack, "--yes", "--skip-preview", "--refresh", environment=force)

    @property
    def environments(self) -> Project:
        """The environment repository."""
        return self.forge.projects.get("bighpc/environments")


@pytest.fixture(scope="module")
def world(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The platform of the run's testbed, and a checkout to run the command in."""
    shared_testbed.deploy()
    platform = Platform.on(shared_testbed, tmp_path_factory.mktemp("configuration"))
    tree = tmp_path_factory.mktemp("drift") / "platform"
    copy_checkout(tree)
    config = KubeConfig.from_file(platform.environment["KUBECONFIG"]).get()
    with (
        shared_testbed.forge() as forge,
        Client(config=config, trust_env=False) as cluster,
    ):
        made = World(tree=tree, platform=platform, forge=forge, cluster=cluster)
        yield made
        made.repair()


def test_a_clean_platform_never_has_drift(world: World) -> None:
    for attempt in range(TIMES):
        code, found, said = world.drift()
        assert (code, found) == (0, []), f"run {attempt + 1}: {said}"


def test_what_is_changed_in_the_cluster_by_hand_is_named_once(world: World) -> None:
    cluster = world.cluster
    cluster.patch(ResourceQuota, "quota", {"spec": {"hard": {"pods": "7"}}}, namespace=NAMESPACE)
    cluster.delete(LimitRange, "limits", namespace=NAMESPACE)
    cluster.create(ConfigMap(metadata=ObjectMeta(name="by-hand", namespace=NAMESPACE), data={"a": "b"}))
    _merge(cluster, PROJECT, "bighpc-dev", {"description": "Mine."})
    # Without self-healing a scaled deployment stays as it is.
    _merge(cluster, APPLICATION, "hello-dev", {"syncPolicy": {"automated": None}})
    cluster.patch(Deployment, "hello", {"spec": {"replicas": 3}}, namespace=NAMESPACE)
    try:
        _wait_until_out_of_sync(world)
        code, found, said = world.drift("--stack", "dev")
    finally:
        cluster.delete(ConfigMap, "by-hand", namespace=NAMESPACE)
        world.repair()
    assert code == 7, said
    assert found == [
        ("dev", "changed", "AppProject argocd-project"),
        ("dev", "changed", "Application hello-application"),
        ("dev", "changed", "ResourceQuota testbed-quota"),
        ("dev", "deleted", "LimitRange testbed-limits"),
        ("dev", "undeclared", "ConfigMap by-hand"),
        ("dev", "unsynced", "Deployment hello"),
    ], said


def test_what_is_changed_in_the_forge_by_hand_is_named_once(world: World) -> None:
    group = world.forge.groups.get("bighpc")
    repository = world.environments
    label = group.labels.get("bug")
    label.color = "#123456"
    label.save()
    repository.protectedbranches.delete("prod")
    next(token for token in repository.access_tokens.list(iterator=True) if token.name == "promotion").rotate()
    next(hook for hook in repository.hooks.list(iterator=True) if hook.name == "Argo CD, dev").delete()
    by_hand = world.forge.projects.create({"name": "by-hand", "namespace_id": group.id})
    group.variables.create({"key": "BY_HAND", "value": "canary-s3cret"})
    try:
        code, found, said = world.drift("--stack", "prod", "--stack", "dev", "--fix")
    finally:
        by_hand.delete()
        group.variables.delete("BY_HAND")
        world.repair()
    assert code == 7, said
    assert found == [
        ("dev", "deleted", "ProjectHook argocd-webhook"),
        ("prod", "changed", "GroupLabel forge-label-bug"),
        ("prod", "deleted", "BranchProtection environments-protection-prod"),
        ("prod", "deleted", "ProjectAccessToken environments-access-token-promotion"),
        ("prod", "undeclared", "project by-hand"),
        ("prod", "undeclared", "variable BY_HAND (scope *)"),
    ], said
    assert "bring it back: pulumi up --stack dev --refresh --target" in said
    assert "canary-s3cret" not in said


def test_what_is_not_deployed_yet_is_told_from_what_was_changed_by_hand(world: World) -> None:
    file = world.tree / "Pulumi.dev.yaml"
    before = file.read_text()
    file.write_text(before.replace("cpu: 4", "cpu: 5"))
    try:
        code, found, said = world.drift("--stack", "dev")
    finally:
        file.write_text(before)
    assert (code, found) == (7, [("dev", "not_deployed", "ResourceQuota testbed-quota")]), said


def test_a_cluster_out_of_reach_is_no_proof_of_anything(world: World, tmp_path: Path) -> None:
    broken = tmp_path / "kubeconfig"
    broken.write_text("{}")
    environment = {**world.platform.environment, "KUBECONFIG": str(broken)}
    blind = World(
        tree=world.tree,
        platform=Platform(environment=environment, configuration=world.platform.configuration),
        forge=world.forge,
        cluster=world.cluster,
    )
    code, _, said = blind.drift("--stack", "dev")
    assert code == 1, said
    assert "dev: could not be told" in said


def test_the_issue_follows_the_drift_and_no_secret_gets_out(world: World, shared_testbed: OwnTestbed) -> None:
    project = world.forge.projects.get("bighpc/platform")
    asked = ("--stack", "dev", "--issue", "--project", "bighpc/platform")
    world.cluster.create(ConfigMap(metadata=ObjectMeta(name="by-hand", namespace=NAMESPACE)))
    try:
        code, _, said = world.drift(*asked)
    finally:
        world.cluster.delete(ConfigMap, "by-hand", namespace=NAMESPACE)
    assert code == 7, said
    [issue] = project.issues.list(get_all=True, search="Drift of stack dev")
    assert isinstance(issue, ProjectIssue)
    assert "**ConfigMap** by-hand in namespace bighpc-dev" in issue.description
    assert world.drift(*asked)[0] == 0
    assert project.issues.get(issue.iid).state == "closed"
    # What was proposed before is in folders of its own.
    files = [file for file in (world.tree / "drift").rglob("*") if file.is_file()]
    written = said + issue.description + "".join(file.read_text(errors="replace") for file in files)
    secrets = [file.read_text().strip() for file in shared_testbed.layout.secrets.iterdir()]
    assert len(secrets) > 3
    assert [secret for secret in secrets if secret in written] == []


def test_a_value_that_the_data_can_say_is_kept_by_a_merge_request(world: World) -> None:
    project = world.forge.projects.create({"name": f"kept-{os.urandom(4).hex()}", "builds_access_level": "disabled"})
    token = world.platform.environment["GITLAB_TOKEN"]
    git(world.tree, "init", "--quiet", "--initial-branch=dev")
    (world.tree / ".git" / "info" / "exclude").write_text(".venv\ndrift/\n")
    git(world.tree, "add", "--all")
    git(world.tree, "commit", "--quiet", "--message=chore: the platform as it is")
    git(world.tree, "push", "--quiet", project.http_url_to_repo.replace("://", f"://oauth2:{token}@"), "dev")
    hard = {"requests.cpu": "6", "limits.cpu": "6"}
    world.cluster.patch(ResourceQuota, "quota", {"spec": {"hard": hard}}, namespace=NAMESPACE)
    try:
        code, found, said = world.drift("--stack", "dev", "--fix", "--project", project.path_with_namespace)
    finally:
        world.repair()
    assert (code, found) == (7, [("dev", "changed", "ResourceQuota testbed-quota")]), said
    [made] = project.mergerequests.list(get_all=True)
    assert isinstance(made, ProjectMergeRequest)
    assert (made.target_branch, made.state) == ("dev", "opened")
    assert f"or keep it: merge {made.web_url}: config.bighpc:testbed.quota.cpu = 6 in Pulumi.dev.yaml" in said
    kept = project.files.get("Pulumi.dev.yaml", ref=made.source_branch).decode().decode()
    assert "cpu: 6" in kept
    assert kept.replace("cpu: 6", "cpu: 4") == git(world.tree, "show", "HEAD:Pulumi.dev.yaml") + "\n"
    project.delete()


def _merge(cluster: Client, kind: type[GenericNamespacedResource], name: str, spec: dict[str, Any]) -> None:
    """Change an object of Argo CD."""
    cluster.patch(kind, name, {"spec": spec}, namespace="argocd", patch_type=PatchType.MERGE)


def _wait_until_out_of_sync(world: World) -> None:
    """Wait until Argo CD has seen the scaled deployment."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        application = dict(world.cluster.get(APPLICATION, "hello-dev", namespace="argocd"))
        resources = (application.get("status") or {}).get("resources") or ()
        if any(each["kind"] == "Deployment" and each.get("status") == "OutOfSync" for each in resources):
            return
        time.sleep(0.5)
    pytest.fail("Argo CD did not notice within 120 s that hello was scaled")
