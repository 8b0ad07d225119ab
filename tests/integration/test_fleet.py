"""The forge with its whole fleet: the real engine and the provider double, against the GitLab double."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from gitlab.v4.objects import Project

from stacks.engine import engine_version, read_configuration
from stacks.fleet import DATA, load_fleet
from tests.integration.gitlab_double import RunningGitLab, serving
from tests.integration.pulumi_workspace import Workspace, create

pytestmark = pytest.mark.integration

PROGRAM = """\
    import os
    from pathlib import Path

    import pulumi
    from pydantic import SecretStr

    from stacks.environments import Environment
    from stacks.fleet import load_fleet
    from stacks.forge import make_forge
    from stacks.preflight import Findings, inspect_forge
    from stacks.settings import ClusterConnection, GitLabConnection, Settings, parse_stack

    config = pulumi.Config()
    stack = {
        "forge": {"owner": True, "protect": config.get_bool("protect") or False},
        "gitlab": {"tier": config.get("tier") or "free"},
    }
    url = os.environ["GITLAB_BASE_URL"].removesuffix("/api/v4/")
    settings = Settings(
        environment=Environment.PROD,
        stack_reference="organization/test/dev",
        stack=parse_stack(stack, "test"),
        gitlab=GitLabConnection(url=url, token=SecretStr(os.environ["GITLAB_TOKEN"])),
        cluster=ClusterConnection(kubeconfig=None, context=None),
    )
    fleet = load_fleet(Path(os.environ["BIGHPC_TEST_FLEET"]))
    forge = make_forge(settings, fleet, Findings(cluster="none", forge=inspect_forge(settings, fleet)))
    pulumi.export("runners", forge.runner_files)
    """

STACK = ("--stack", "dev")
UP = ("up", "--yes", "--skip-preview", *STACK)
COMPONENTS = {path for path in load_fleet().projects if path.startswith("components/")}


@dataclass(frozen=True, kw_only=True)
class Forge:
    """A stack with the fleet, and the files that it is made of."""

    workspace: Workspace
    gitlab: RunningGitLab
    data: Path

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run the engine."""
        return self.workspace.run(*arguments, code=code)

    def change(self, name: str, /, **changes: Any) -> None:
        """Set keys of a file; None removes one."""
        path = self.data / name
        content = {**(yaml.safe_load(path.read_text()) if path.exists() else {}), **changes}
        path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))

    def preview(self) -> dict[str, set[str]]:
        """Return what an update would do: names of resources by operation, without those that stay."""
        steps = json.loads(self.run("preview", "--json", *STACK))["steps"]
        found: dict[str, set[str]] = {}
        for step in steps:
            if step["op"] != "same":
                found.setdefault(step["op"], set()).add(step["urn"].rpartition("::")[2])
        return found

    def project(self, path: str) -> Project:
        """Look at a project past the provider."""
        return self.gitlab.client.projects.get(f"bighpc/{path}")


@pytest.fixture(scope="module")
def brought_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """The whole fleet, brought up once."""
    root = tmp_path_factory.mktemp("fleet")
    data = root / "stacks"
    with serving(root / "gitlab", bot=True) as gitlab:
        shutil.copytree(DATA, data, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        variables = {**gitlab.environment, "BIGHPC_TEST_FLEET": str(data)}
        forge = Forge(workspace=create(root / "workspace", PROGRAM, variables), gitlab=gitlab, data=data)
        forge.run(*UP)
        yield forge


@pytest.fixture
def forge(brought_up: Forge) -> Iterator[Forge]:
    """The fleet as git has it; what a test made of it is undone after it."""
    yield brought_up
    shutil.rmtree(brought_up.data)
    shutil.copytree(DATA, brought_up.data, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    brought_up.run(*UP, "--refresh")


def test_every_project_of_the_fleet_is_there(brought_up: Forge) -> None:
    found = {each.path_with_namespace for each in brought_up.gitlab.client.projects.list(get_all=True)}
    assert found == {f"bighpc/{path}" for path in load_fleet().projects}


def test_a_second_run_changes_nothing(brought_up: Forge) -> None:
    brought_up.run(*UP, "--expect-no-changes")
    brought_up.run("preview", "--refresh", "--expect-no-changes", *STACK)


def test_an_archetype_touches_exactly_the_projects_that_use_it(forge: Forge) -> None:
    archetypes = yaml.safe_load((forge.data / "archetypes.yaml").read_text())
    forge.change("archetypes.yaml", component={**archetypes["component"], "squash": "always"})
    component = {path for path in COMPONENTS if "archetype: component" in (DATA / f"projects/{path}.yaml").read_text()}
    assert 0 < len(component) < len(load_fleet().projects)
    assert forge.preview() == {"update": {f"{path}-project" for path in component}}


def test_a_renamed_project_is_the_same_one_in_another_place(forge: Forge) -> None:
    old, new = "operations/docs-site", "interfaces/handbook"
    before = forge.project(old).get_id()
    content = yaml.safe_load((forge.data / f"projects/{old}.yaml").read_text())
    (forge.data / f"projects/{old}.yaml").unlink()
    forge.change(f"projects/{new}.yaml", **{**content, "name": "handbook", "group": "interfaces", "formerly": [old]})
    assert set(forge.preview()) == {"update"}, "nothing is made anew or deleted"
    forge.run(*UP)
    assert forge.project(new).get_id() == before
    forge.run(*UP, "--expect-no-changes")


def test_what_was_changed_by_hand_is_found_and_repaired(forge: Forge) -> None:
    project = forge.project("components/monitoring")
    project.squash_option = "never"
    project.save()
    project.protectedbranches.delete("main")
    said = forge.run("refresh", "--preview-only", "--expect-no-changes", *STACK, code=7)
    assert "squashOption" in said
    forge.run(*UP, "--refresh")
    project = forge.project("components/monitoring")
    assert project.squash_option == "default_on"
    assert [branch.name for branch in project.protectedbranches.list()] == ["main"]


def test_a_project_made_by_hand_is_adopted_and_then_protected(forge: Forge) -> None:
    group = forge.gitlab.client.groups.get("bighpc/operations")
    made = forge.gitlab.client.projects.create(
        {
            "name": "Legacy",
            "path": "legacy",
            "namespace_id": group.get_id(),
            "description": "Made by hand.",
            "initialize_with_readme": True,
            "only_allow_merge_if_pipeline_succeeds": True,
            "only_allow_merge_if_all_discussions_are_resolved": True,
            "remove_source_branch_after_merge": True,
        }
    )
    forge.change(
        "projects/operations/legacy.yaml",
        name="legacy",
        group="operations",
        title="Legacy",
        description="Made by hand.",
        adopt=True,
        branches={"main": {}},
    )
    assert "imported" in forge.run(*UP)
    assert forge.project("operations/legacy").get_id() == made.get_id()
    forge.run(*UP, "--expect-no-changes")
    (forge.data / "projects/operations/legacy.yaml").unlink()
    assert "protect" in forge.run(*UP, code=1)
    urn = next(
        each["urn"]
        for each in json.loads(forge.run("stack", "export", *STACK))["deployment"]["resources"]
        if each["urn"].endswith("::operations/legacy-project")
    )
    forge.run("state", "unprotect", urn, "--yes", *STACK)


def test_no_token_is_in_the_state_or_the_output_in_the_clear(brought_up: Forge) -> None:
    shown = brought_up.run("stack", "export", *STACK) + brought_up.run("preview", "--diff", *STACK)
    shown += brought_up.run("stack", "output", "--json", *STACK)
    for beginning in ("glrt-", "glpat-", "gldt-"):
        assert beginning not in shown
    files = json.loads(brought_up.run("stack", "output", "runners", "--json", "--show-secrets", *STACK))
    assert "glrt-" in files["containers"]["configToml"]


def test_a_stacks_configuration_is_read_outside_a_program(brought_up: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    brought_up.run("config", "set", "--secret", "bighpc:canary", "s3cret", *STACK)
    brought_up.run("config", "set", "--path", "bighpc:forge.owner", "true", *STACK)
    for name, value in brought_up.workspace.environment.items():
        monkeypatch.setenv(name, value)
    configuration = read_configuration("dev", brought_up.workspace.directory)
    assert configuration.values["bighpc:canary"] == "s3cret"
    assert json.loads(configuration.values["bighpc:forge"]) == {"owner": True}
    assert configuration.secret == {"bighpc:canary"}
    assert engine_version(brought_up.workspace.directory) >= (3, 231)
    assert "s3cret" not in repr(configuration)


def test_what_the_licence_does_not_cover_is_a_warning_and_with_a_licence_it_is_there(forge: Forge) -> None:
    assert "project platform asks for approval rules" in forge.run("preview", *STACK)
    forge.run("config", "set", "tier", "premium", *STACK)
    try:
        assert "asks for" not in forge.run(*UP)
        rules = forge.project("platform").approvalrules.list()
        assert [(rule.name, rule.approvals_required) for rule in rules] == [("Production", 1)]
        forge.run(*UP, "--expect-no-changes")
        forge.run("preview", "--refresh", "--expect-no-changes", *STACK)
    finally:
        forge.run("config", "rm", "tier", *STACK)
