"""Every resource and function of the table, once, under the real engine and against the GitLab double."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.provider.table import RESOURCES
from tests.integration.gitlab_double import serving
from tests.integration.pulumi_workspace import create

pytestmark = pytest.mark.integration

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz2cI6pYBZbDzVsIBUQpzjmzYR4IYyJwMBFvj+3wUu/ me@here"

PROGRAM = f"""\
    import pulumi
    import pulumi_gitlab as gitlab

    def after(*resources):
        return pulumi.ResourceOptions(depends_on=resources)

    group = gitlab.Group(
        "group", path="all", name="All", visibility_level="private", project_creation_level="maintainer",
        default_branch_protection_defaults={{"allowed_to_pushes": ["maintainer"], "allow_force_push": False}},
    )
    project = gitlab.Project(
        "project", name="everything", namespace_id=group.id, initialize_with_readme=True, default_branch="main",
        topics=["b", "a"], squash_option="default_on", ci_config_path="ci/main.yml", description="All there is",
        only_allow_merge_if_pipeline_succeeds=True, only_allow_merge_if_all_discussions_are_resolved=True,
    )
    ids = {{"project": project.id}}
    todo = gitlab.GroupLabel("todo", group=group.id, name="flow::todo", color="red")
    urgent = gitlab.ProjectLabel("urgent", **ids, name="urgent", color="#123456", priority=1)
    gitlab.GroupIssueBoard("group-board", group=group.id, name="Flow", lists=[{{"label_id": todo.label_id}}])
    gitlab.ProjectIssueBoard("board", **ids, name="Flow", lists=[{{"label_id": urgent.label_id}}])
    dev = gitlab.Branch("dev", **ids, name="dev", ref="main")
    for branch in ("main", "dev", "release/*"):
        gitlab.BranchProtection(
            branch, **ids, branch=branch, push_access_level="maintainer", merge_access_level="developer",
            opts=after(dev),
        )
    gitlab.TagProtection("tags", **ids, tag="v*", create_access_level="maintainer")
    gitlab.ProjectVariable(
        "variable", **ids, key="TOKEN", value=pulumi.Output.secret("s3cret-value"), masked=True, protected=True,
        environment_scope="prod", description="To the registry",
    )
    gitlab.GroupVariable("group-variable", group=group.id, key="REGION", value="eu", raw=True)
    gitlab.ProjectHook(
        "hook", **ids, url="https://argocd.example/api/webhook", token="hook-t0ken", push_events=True,
        merge_requests_events=True, push_events_branch_filter="prod",
    )
    gitlab.RepositoryFile("file", **ids, branch="main", file_path="a/b.txt", content="a\\n", encoding="text")
    gitlab.UserRunner(
        "runner", runner_type="group_type", group_id=group.id, description="shell", tag_lists=["b", "a"], untagged=True
    )
    agent = gitlab.ClusterAgent("agent", **ids, name="dev")
    gitlab.ClusterAgentToken("agent-token", **ids, agent_id=agent.agent_id, name="token")
    environment = gitlab.ProjectEnvironment(
        "environment", **ids, name="dev", tier="development", external_url="https://dev.example",
        cluster_agent_id=agent.agent_id, kubernetes_namespace="bighpc-dev", stop_before_destroy=True,
    )
    gitlab.ProjectProtectedEnvironment(
        "protected", **ids, environment=environment.name,
        deploy_access_levels_attributes=[{{"access_level": "maintainer"}}],
    )
    gitlab.ProjectDeployToken("deploy-token", **ids, name="pull", scopes=["read_repository", "read_registry"])
    gitlab.GroupDeployToken("group-deploy-token", group=group.id, name="pull", scopes=["read_registry"])
    gitlab.ProjectAccessToken("access-token", **ids, name="bot", scopes=["api"], expires_at=EXPIRES)
    gitlab.GroupAccessToken(
        "group-access-token", group=group.id, name="bot", scopes=["api"], access_level="developer",
        rotation_configuration={{"expiration_days": 30, "rotate_before_days": 7}},
    )
    bot = gitlab.get_user_output(username="bighpc-bot").user_id
    gitlab.GroupMembership("group-member", group_id=group.id, user_id=bot, access_level="developer")
    gitlab.ProjectMembership("member", **ids, user_id=bot, access_level="maintainer")
    guests = gitlab.Group("guests", path="guests", name="Guests", visibility_level="private")
    gitlab.GroupShareGroup("group-share", group_id=group.id, share_group_id=guests.id, group_access="reporter")
    gitlab.ProjectShareGroup(
        "share", **ids, group_id=guests.id, group_access="developer", expires_at=EXPIRES
    )
    gitlab.ProjectApprovalRule("rule", **ids, name="Any", approvals_required=1, rule_type="any_approver")
    gitlab.ProjectLevelMrApprovals(
        "approvals", **ids, reset_approvals_on_push=True, merge_requests_author_approval=False
    )
    gitlab.ProjectMilestone("milestone", **ids, title="1.0", due_date="2027-01-31")
    gitlab.ProjectBadge("badge", **ids, name="ci", image_url="https://x/%{{default_branch}}.svg", link_url="https://x")
    gitlab.GroupBadge("group-badge", group=group.id, name="ci", image_url="https://x/y.svg", link_url="https://x")
    nightly = gitlab.PipelineSchedule("nightly", **ids, description="nightly", ref="main", cron="0 1 * * *")
    gitlab.PipelineScheduleVariable(
        "full", **ids, pipeline_schedule_id=nightly.pipeline_schedule_id, key="FULL", value="1"
    )
    gitlab.PipelineTrigger("trigger", **ids, description="from outside")
    gitlab.DeployKey("key", **ids, title="key", key="{KEY}")
    gitlab.ProjectJobTokenScopes("scopes", **ids, target_project_ids=[], target_group_ids=[group.id])
    gitlab.Application(
        "application", name="Notebooks", redirect_url="https://hub.example/hub/oauth_callback", scopes=["openid"],
        confidential=True,
    )
    pulumi.export("project", gitlab.get_project_output(id=project.id).path_with_namespace)
    pulumi.export("group", gitlab.get_group_output(full_path=group.full_path).web_url)
    pulumi.export("me", gitlab.get_current_user_output().username)
    branches = dev.name.apply(lambda _: gitlab.get_project_branches_output(project=project.id).branches)
    pulumi.export("branches", branches.apply(lambda found: sorted(branch.name for branch in found)))
    pulumi.export("default", gitlab.get_branch_output(project=project.id, name="main").default)
    """


def test_every_type_comes_stays_and_goes(tmp_path: Path) -> None:
    with serving(tmp_path / "gitlab", bot=True) as gitlab:
        workspace = create(tmp_path, PROGRAM.replace("EXPIRES", f'"{gitlab.in_days(90)}"'), gitlab.environment)
        workspace.run("preview", "--stack", "dev")
        for arguments in (
            ("up", "--skip-preview"),
            ("up", "--skip-preview", "--expect-no-changes"),
            ("refresh", "--skip-preview", "--expect-no-changes"),
            ("up", "--skip-preview", "--expect-no-changes"),
        ):
            workspace.run(*arguments, "--yes", "--stack", "dev")
        state = json.loads(workspace.run("stack", "export", "--stack", "dev"))
        assert RESOURCES.keys() == {
            resource["type"] for resource in state["deployment"]["resources"] if resource["type"].startswith("gitlab:")
        }
        outputs = json.loads(workspace.run("stack", "output", "--json", "--stack", "dev"))
        assert outputs == {
            "project": "all/everything",
            "group": f"{gitlab.url}/groups/all",
            "me": "root",
            "branches": ["dev", "main"],
            "default": True,
        }
        workspace.run("destroy", "--skip-preview", "--yes", "--stack", "dev")
        assert not gitlab.client.groups.list(get_all=True)
