"""The ``gitlab`` provider double under the real engine, against the GitLab double: whole lives of resources."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from testbed.provider.installation import EXECUTABLE
from tests.integration.gitlab_double import RunningGitLab, serving
from tests.integration.pulumi_workspace import Workspace, create

pytestmark = pytest.mark.integration

PROGRAM = """\
    import pulumi
    import pulumi_gitlab as gitlab

    config = pulumi.Config()
    group = gitlab.Group("group", path=config.get("path") or "demo", name="Demo", visibility_level="private")
    project = gitlab.Project(
        "project", name=config.get("project") or "platform", namespace_id=group.id.apply(int),
        initialize_with_readme=True, default_branch="main", visibility_level="private", merge_method="ff",
    )
    todo, doing = (
        gitlab.GroupLabel(name, group=group.id, name=f"flow::{name}", color=color, description=config.get("text"))
        for name, color in (("todo", "red"), ("doing", "#0000ff"))
    )
    board = gitlab.GroupIssueBoard(
        "board", group=group.id, name="Flow", lists=[{"label_id": label.label_id} for label in (todo, doing)]
    )
    protection = gitlab.BranchProtection(
        "main", project=project.id, branch="main", push_access_level="maintainer", merge_access_level="maintainer"
    )
    variable = gitlab.ProjectVariable(
        "variable", project=project.id, key="REGISTRY_TOKEN", environment_scope="prod", masked=True,
        value=pulumi.Output.secret("v4riable-s3cret"),
    )
    hook = gitlab.ProjectHook(
        "hook", project=project.id, url="https://argocd.example/api/webhook", token="hook-t0ken", push_events=True
    )
    file = gitlab.RepositoryFile(
        "file", project=project.id, branch="main", file_path=".gitlab/agents/dev/config.yaml", encoding="text",
        content="ci_access: {}\\n",
    )
    other = gitlab.RepositoryFile(
        "other", project=project.id, branch="main", file_path="docs/index.md", encoding="text", content="# Docs\\n"
    )
    agent = gitlab.ClusterAgent("agent", project=project.id, name="dev")
    token = gitlab.ClusterAgentToken("token", project=project.id, agent_id=agent.agent_id, name="token")
    runner = gitlab.UserRunner("runner", runner_type="group_type", group_id=group.id.apply(int), tag_lists=["b", "a"])
    pulumi.export("path", project.path_with_namespace)
    pulumi.export("project", project.id)
    pulumi.export("group", group.id)
    pulumi.export("token", token.token)
    pulumi.export("me", gitlab.get_current_user_output().username)
    pulumi.export("found", gitlab.get_project_output(path_with_namespace=project.path_with_namespace).web_url)
    """

UP = ("up", "--yes", "--skip-preview", "--stack", "dev")
REFRESH = ("refresh", "--yes", "--skip-preview", "--stack", "dev")
SECRETS = ("v4riable-s3cret", "hook-t0ken", "glagent-", "glrt-")


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGitLab]:
    """One for all tests here: each makes its own objects."""
    with serving(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture(scope="module")
def brought_up(tmp_path_factory: pytest.TempPathFactory, gitlab: RunningGitLab) -> Iterator[Workspace]:
    """A project, brought up before the first test and destroyed after the last."""
    workspace = create(tmp_path_factory.mktemp("workspace"), PROGRAM, gitlab.environment)
    workspace.run("config", "set", "path", "shared", "--stack", "dev")
    workspace.run(*UP)
    yield workspace
    workspace.run("destroy", "--yes", "--skip-preview", "--stack", "dev")


@pytest.fixture
def workspace(brought_up: Workspace) -> Iterator[Workspace]:
    """The project as the program wants it; whatever a test made of it is undone after it."""
    yield brought_up
    brought_up.write(PROGRAM)
    brought_up.run("config", "rm", "text", "--stack", "dev")
    brought_up.run(*UP, "--refresh")


def _outputs(workspace: Workspace) -> dict[str, str]:
    outputs: dict[str, str] = json.loads(workspace.run("stack", "output", "--json", "--stack", "dev"))
    return outputs


def test_nothing_changes_once_everything_is_as_wanted(workspace: Workspace) -> None:
    for command in (("preview", "--stack", "dev"), UP, REFRESH, ("preview", "--refresh", "--stack", "dev")):
        output = workspace.run(*command, "--expect-no-changes")
        assert "warning" not in output


def test_no_secret_is_printed_or_recorded_in_the_clear(workspace: Workspace) -> None:
    shown = workspace.run("preview", "--diff", "--stack", "dev") + workspace.run("stack", "export", "--stack", "dev")
    for secret in SECRETS:
        assert secret not in shown
    assert _outputs(workspace)["token"] == "[secret]"


def test_a_change_is_made_in_place(workspace: Workspace, gitlab: RunningGitLab) -> None:
    workspace.run("config", "set", "text", "what it means", "--stack", "dev")
    preview = workspace.run("preview", "--stack", "dev")
    assert "[diff: +description" in preview or "[diff: ~description" in preview
    assert "2 updated" in workspace.run(*UP)
    labels = gitlab.client.groups.get(_outputs(workspace)["group"]).labels.list()
    assert {label.description for label in labels} == {"what it means"}
    workspace.run(*UP, "--expect-no-changes")


def test_a_replacement_keeps_the_rest(workspace: Workspace, gitlab: RunningGitLab) -> None:
    workspace.write(PROGRAM.replace('branch="main", push', 'branch="release", push'))
    output = workspace.run(*UP)
    assert "1 replaced" in output
    project = gitlab.client.projects.get(_outputs(workspace)["project"])
    assert [branch.name for branch in project.protectedbranches.list()] == ["release"]
    workspace.run(*UP, "--expect-no-changes")


def test_drift_is_found_shown_and_undone(workspace: Workspace, gitlab: RunningGitLab) -> None:
    project = gitlab.client.projects.get(_outputs(workspace)["project"])
    project.merge_method = "merge"
    project.save()
    project.variables.delete("REGISTRY_TOKEN", filter={"environment_scope": "prod"})
    output = workspace.run("refresh", "--preview-only", "--stack", "dev", "--expect-no-changes", code=7)
    assert "mergeMethod" in output
    workspace.run(*REFRESH)
    output = workspace.run(*UP)
    assert "1 created" in output
    assert "1 updated" in output
    assert gitlab.client.projects.get(_outputs(workspace)["project"]).merge_method == "ff"


def test_an_object_made_by_hand_is_adopted(workspace: Workspace, gitlab: RunningGitLab) -> None:
    group = gitlab.client.groups.get(_outputs(workspace)["group"])
    group.labels.create({"name": "by-hand", "color": "#123456", "description": "made by hand"})
    adopt = """
    gitlab.GroupLabel(
        "adopted", group=group.id, name="by-hand", color="#123456", description="made by hand",
        opts=pulumi.ResourceOptions(import_=f"{GROUP}:by-hand"),
    )
    """
    workspace.write(PROGRAM + adopt.replace("{GROUP}", str(group.get_id())).replace('f"', '"'))
    assert "1 imported" in workspace.run(*UP)
    workspace.run(*UP, "--expect-no-changes")


def test_the_import_command_records_an_object(workspace: Workspace, gitlab: RunningGitLab) -> None:
    project = gitlab.client.projects.get(_outputs(workspace)["project"])
    milestone = project.milestones.create({"title": "1.0", "due_date": "2027-01-31"})
    id_ = f"{project.get_id()}:{milestone.get_id()}"
    command = ("import", "gitlab:index/projectMilestone:ProjectMilestone", "release", id_)
    output = workspace.run(*command, "--yes", "--stack", "dev", "--protect=false", "--generate-code=false")
    assert "1 imported" in output


def test_the_engine_understands_the_schema(workspace: Workspace) -> None:
    workspace.write(workspace.run("package", "get-schema", "gitlab"), "schema.json")
    workspace.run("schema", "check", "schema.json")


def test_gitlabs_refusal_is_shown_and_the_rest_is_kept(workspace: Workspace) -> None:
    workspace.write(PROGRAM + '\n    gitlab.ProjectLabel("bad", project=project.id, name="bad", color="no colour")\n')
    output = workspace.run(*UP, code=1)
    assert "bad: GitLab answered POST /projects/" in output
    assert "unchanged" in output
    workspace.write(PROGRAM)
    workspace.run(*UP, "--expect-no-changes")


def test_an_object_deleted_by_hand_does_not_stop_a_destroy(tmp_path: Path, gitlab: RunningGitLab) -> None:
    workspace = create(tmp_path, PROGRAM, gitlab.environment)
    workspace.run(*UP)
    gitlab.client.projects.delete(_outputs(workspace)["project"])
    workspace.run("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert "demo" not in {group.path for group in gitlab.client.groups.list(all=True)}


def test_settings_of_an_explicit_provider_are_used_and_checked(tmp_path: Path, gitlab: RunningGitLab) -> None:
    program = f"""\
    import pulumi
    import pulumi_gitlab as gitlab

    provider = gitlab.Provider("there", base_url="{gitlab.url}/api/v4/", token="{gitlab.token}", retries=1)
    gitlab.Group("g", path="explicit", opts=pulumi.ResourceOptions(provider=provider))
    """
    workspace = create(tmp_path, program, {"GITLAB_TOKEN": "", "GITLAB_BASE_URL": ""})
    workspace.run(*UP)
    assert gitlab.token not in workspace.run("stack", "export", "--stack", "dev")
    workspace.run("destroy", "--yes", "--skip-preview", "--stack", "dev")
    workspace.write(program.replace("retries=1", "context='x'"))
    assert "has no such setting" in workspace.run("preview", "--stack", "dev", code=1)


def test_a_published_plugin_wins_when_there_is_one(tmp_path: Path, gitlab: RunningGitLab) -> None:
    program = 'import pulumi_gitlab as gitlab\ngitlab.Group("g", path="published")\n'
    workspace = create(tmp_path, program, gitlab.environment)
    plugins = Path(workspace.environment["PULUMI_HOME"]) / "plugins"
    [double] = plugins.glob(f"*/{EXECUTABLE}")
    published = dedent(f"""\
        #!/bin/sh
        echo used > {tmp_path}/published
        exec "{workspace.environment["PATH"].split(os.pathsep)[1]}/python" -P -m testbed.provider "$@"
        """)
    double.write_text(published)
    from testbed.provider.installation import install

    install(plugins, Path(workspace.environment["PATH"].split(os.pathsep)[1]) / "python")
    assert double.read_text() == published, "a plugin that is not ours is left alone"
    workspace.run("preview", "--stack", "dev")
    assert (tmp_path / "published").exists()
