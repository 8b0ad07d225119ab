"""What people and pipelines work with in a project: labels, boards, milestones, badges, schedules, variables, hooks."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.parts import Directory, Owner, day, page_url, value_of
from components.gitlab.project_spec import GitLabProjectSpec, JobTokenSpec, ScheduleSpec

__all__ = ["create_automation", "create_planning", "limit_job_tokens"]


def create_planning(owner: Owner, spec: GitLabProjectSpec, group_labels: Mapping[str, pulumi.Output[int]]) -> None:
    """Make labels, boards, milestones and badges.

    Args:
        owner: the project.
        spec: its data.
        group_labels: numbers of the labels that the project's group lends it, by name.
    """
    labels = {
        label: gitlab.ProjectLabel(
            f"{owner.prefix}-label-{label}",
            project=owner.id,
            name=label,
            color=each.color,
            description=each.description,
            opts=owner.options,
        ).label_id
        for label, each in spec.labels.items()
    }
    for title, board in spec.boards.items():
        gitlab.ProjectIssueBoard(
            f"{owner.prefix}-board-{title}",
            project=owner.id,
            name=title,
            lists=[
                gitlab.ProjectIssueBoardListArgs(label_id={**group_labels, **labels}[label]) for label in board.lists
            ],
            opts=owner.options,
        )
    _create_milestones(owner, spec)
    _create_badges(owner, spec)


def _create_milestones(owner: Owner, spec: GitLabProjectSpec) -> None:
    for title, milestone in spec.milestones.items():
        gitlab.ProjectMilestone(
            f"{owner.prefix}-milestone-{title}",
            project=owner.id,
            title=title,
            description=milestone.description,
            start_date=day(milestone.start),
            due_date=day(milestone.due),
            state="closed" if milestone.closed else "active",
            opts=owner.options,
        )


def _create_badges(owner: Owner, spec: GitLabProjectSpec) -> None:
    for name, badge in spec.badges.items():
        gitlab.ProjectBadge(
            f"{owner.prefix}-badge-{name}",
            project=owner.id,
            name=name,
            image_url=page_url(owner, badge.image),
            link_url=page_url(owner, badge.link),
            opts=owner.options,
        )


def create_automation(
    owner: Owner,
    spec: GitLabProjectSpec,
    directory: Directory,
    hook_tokens: Mapping[str, pulumi.Input[str]],
) -> None:
    """Make variables, schedules and hooks.

    Args:
        owner: the project.
        spec: its data.
        directory: where secret values are looked up.
        hook_tokens: the secret token of each hook, by name.
    """
    _create_variables(owner, spec, directory)
    for title, schedule in spec.schedules.items():
        _create_schedule(owner, title, schedule, schedule.ref or spec.default_branch)
    for name, hook in spec.hooks.items():
        gitlab.ProjectHook(
            f"{owner.prefix}-hook-{name}",
            project=owner.id,
            name=name,
            url=hook.url,
            token=pulumi.Output.secret(hook_tokens[name]),
            push_events=hook.push,
            push_events_branch_filter=hook.branch,
            tag_push_events=hook.tag_push,
            merge_requests_events=hook.merge_requests,
            pipeline_events=hook.pipelines,
            deployment_events=hook.deployments,
            enable_ssl_verification=True,
            opts=owner.options,
        )


def _create_variables(owner: Owner, spec: GitLabProjectSpec, directory: Directory) -> None:
    for key, variable in spec.variables.items():
        gitlab.ProjectVariable(
            f"{owner.prefix}-variable-{key}",
            project=owner.id,
            key=key,
            value=value_of(variable, directory),
            description=variable.description,
            environment_scope=variable.environment,
            protected=variable.protected,
            masked=variable.confidential,
            raw=variable.confidential,
            variable_type="file" if variable.file else "env_var",
            opts=owner.options,
        )


def _create_schedule(owner: Owner, title: str, schedule: ScheduleSpec, ref: str) -> None:
    made = gitlab.PipelineSchedule(
        f"{owner.prefix}-schedule-{title}",
        project=owner.id,
        description=title,
        # The short form means the branch only as long as no tag has its name.
        ref=f"refs/heads/{ref}",
        cron=schedule.cron,
        cron_timezone=schedule.timezone,
        active=schedule.active,
        opts=owner.options,
    )
    for key, value in schedule.variables.items():
        gitlab.PipelineScheduleVariable(
            f"{owner.prefix}-schedule-{title}-{key}",
            project=owner.id,
            pipeline_schedule_id=made.pipeline_schedule_id,
            key=key,
            value=value,
            opts=owner.options,
        )


def limit_job_tokens(
    owner: Owner, spec: JobTokenSpec, projects: Mapping[str, pulumi.Input[int]], groups: Mapping[str, pulumi.Input[int]]
) -> None:
    """Let the jobs of these projects and groups alone reach the project.

    Args:
        owner: the project.
        spec: whose jobs.
        projects: numbers of the platform's projects, by path below its group.
        groups: numbers of its subgroups, likewise.
    """
    gitlab.ProjectJobTokenScopes(
        f"{owner.prefix}-job-tokens",
        project=owner.id,
        enabled=True,
        target_project_ids=[projects[path] for path in spec.projects],
        target_group_ids=[groups[path] for path in spec.groups],
        opts=owner.options,
    )
