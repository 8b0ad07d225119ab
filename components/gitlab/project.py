"""A GitLab project with everything that its repository needs to be governed and worked in.

Git holds no secrets: a variable's secret value, and the token of a hook, arrive as inputs and never as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.parts import Directory, Owner, keeping, warn_lacking
from components.gitlab.project_rules import create_access, create_branches, create_environments, wanted_features
from components.gitlab.project_spec import GitLabProjectSpec, project_violations
from components.gitlab.project_work import create_automation, create_planning, limit_job_tokens
from components.invariants import require
from components.vocabulary import GitLabTier

__all__ = ["GitLabProject", "GitLabProjectArgs"]


@dataclass(frozen=True, kw_only=True)
class GitLabProjectArgs:
    """The project's data and what it is connected with."""

    spec: GitLabProjectSpec
    group_id: pulumi.Input[str]
    """The group or subgroup that it belongs to."""
    group_path: str
    """The platform's group, by which a project that is there already is found."""
    tier: GitLabTier = GitLabTier.FREE
    """What the instance is licensed for."""
    protect: bool = False
    """Whether the project, which holds people's work, must not be deleted."""
    directory: Directory = field(default_factory=Directory)
    group_labels: Mapping[str, pulumi.Output[int]] = field(default_factory=dict)
    """Numbers of the platform's labels, by name."""
    project_ids: Mapping[str, pulumi.Input[int]] = field(default_factory=dict)
    """Numbers of the platform's projects, by path: whose jobs may be let in."""
    group_ids: Mapping[str, pulumi.Input[int]] = field(default_factory=dict)
    """Numbers of its subgroups, likewise."""
    hook_tokens: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """The secret token of each hook, by the hook's name."""


class GitLabProject(pulumi.ComponentResource):
    """A project: settings, rules, automation, planning."""

    project_id: pulumi.Output[str]
    """The project's number, as text."""
    path: pulumi.Output[str]
    """Its path with the group's."""
    web_url: pulumi.Output[str]
    """Its page."""
    clone_url: pulumi.Output[str]
    """Where git finds the repository over HTTP."""
    access_tokens: Mapping[str, pulumi.Output[str]]
    """The values of its access tokens by name: secrets."""

    def __init__(self, name: str, args: GitLabProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Project", name, None, opts)
        spec = args.spec
        require(project_violations(spec))
        warn_lacking(self, f"project {spec.path}", args.tier, wanted_features(spec))

        options = pulumi.ResourceOptions(parent=self)
        project = self._create_project(name, args, options)
        owner = Owner(prefix=name, id=project.id, web_url=project.web_url, options=options)
        create_branches(owner, spec, args.directory, args.tier)
        create_environments(owner, spec, args.tier)
        self.access_tokens = create_access(owner, spec, args.directory)
        create_automation(owner, spec, args.directory, args.hook_tokens)
        create_planning(owner, spec, args.group_labels)
        if spec.job_tokens:
            limit_job_tokens(owner, spec.job_tokens, args.project_ids, args.group_ids)

        self.project_id = project.id
        self.path = project.path_with_namespace
        self.web_url = project.web_url
        self.clone_url = project.http_url_to_repo
        self.register_outputs(
            {"projectId": self.project_id, "path": self.path, "webUrl": self.web_url, "cloneUrl": self.clone_url}
        )

    @staticmethod
    def _create_project(name: str, args: GitLabProjectArgs, options: pulumi.ResourceOptions) -> gitlab.Project:
        spec = args.spec
        return gitlab.Project(
            f"{name}-project",
            namespace_id=pulumi.Output.from_input(args.group_id).apply(int),
            path=spec.name,
            name=spec.title or spec.name,
            description=spec.description,
            visibility_level=spec.visibility,
            # Both concern a first commit, which a project that is there already has behind it.
            initialize_with_readme=None if spec.adopt else spec.initialize,
            default_branch=spec.default_branch if spec.initialize or spec.adopt else None,
            merge_method=spec.merge_method,
            squash_option=spec.squash,
            only_allow_merge_if_pipeline_succeeds=spec.merge_needs_pipeline,
            only_allow_merge_if_all_discussions_are_resolved=spec.merge_needs_resolved_discussions,
            remove_source_branch_after_merge=spec.remove_source_branch,
            ci_config_path=spec.ci_config,
            container_expiration_policy=_expiration(spec),
            topics=list(spec.topics) or None,
            opts=keeping(options, protect=args.protect, adopt=f"{args.group_path}/{spec.path}" if spec.adopt else None),
        )


def _expiration(spec: GitLabProjectSpec) -> gitlab.ProjectContainerExpirationPolicyArgs | None:
    cleanup = spec.image_cleanup
    if cleanup is None:
        return None
    return gitlab.ProjectContainerExpirationPolicyArgs(
        enabled=True,
        cadence=cleanup.every,
        keep_n=cleanup.keep,
        older_than=cleanup.older_than,
        name_regex_delete=cleanup.remove,
        name_regex_keep=cleanup.spare,
    )
