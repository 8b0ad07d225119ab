"""A GitLab project: its settings, branches, protections, labels, CI/CD variables and hooks.

Values of variables here are no secrets: what git holds, everybody with access to git can read. The token of a hook is
one, so it arrives as an input and never as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import pulumi
import pulumi_gitlab as gitlab
from pydantic import Field, model_validator

from components.invariants import Violation, branch_refuses_force_push, require, visibility_is_limited
from components.spec import Branch, Color, RelativePath, Slug, Spec, Text, VariableKey, WebUrl, refusal
from components.vocabulary import AccessLevel, MergeMethod, Visibility

__all__ = [
    "BranchSpec",
    "GitLabProject",
    "GitLabProjectArgs",
    "GitLabProjectSpec",
    "HookSpec",
    "ProjectLabelSpec",
    "VariableSpec",
    "project_violations",
]


class BranchSpec(Spec):
    """A protected branch."""

    push: AccessLevel = AccessLevel.MAINTAINER
    """Who may push; ``no one`` leaves merge requests as the only way."""
    merge: AccessLevel = AccessLevel.MAINTAINER
    allow_force_push: bool = False


class ProjectLabelSpec(Spec):
    """A label of this project alone."""

    color: Color
    description: Text | None = None


class VariableSpec(Spec):
    """A CI/CD variable that is no secret."""

    value: Text
    description: Text | None = None
    environment: Annotated[str, Field(min_length=1)] = "*"
    """GitLab's environment scope."""
    protected: bool = False


class HookSpec(Spec):
    """A webhook; its token is an input of the component."""

    url: WebUrl
    push: bool = True
    tag_push: bool = False
    merge_requests: bool = False
    branch: Branch | None = None
    """Only pushes to this branch, if set."""


class GitLabProjectSpec(Spec):
    """What git says about a project, once its archetype is resolved."""

    name: Slug
    title: Text | None = None
    description: Text = "A project of the BigHPC platform."
    visibility: Visibility = Visibility.PRIVATE
    initialize: bool = True
    """Start with a first commit and the branches below; false for a project that receives an existing history."""
    default_branch: Branch = "main"
    branches: dict[Branch, BranchSpec] = Field(default_factory=dict)
    protected_tags: tuple[Text, ...] = ("v*",)
    merge_method: MergeMethod = MergeMethod.MERGE
    merge_needs_pipeline: bool = True
    merge_needs_resolved_discussions: bool = True
    remove_source_branch: bool = True
    ci_config: RelativePath | None = None
    topics: tuple[Text, ...] = ()
    labels: dict[Text, ProjectLabelSpec] = Field(default_factory=dict)
    variables: dict[VariableKey, VariableSpec] = Field(default_factory=dict)
    hooks: dict[Slug, HookSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _default_branch_is_protected(self) -> GitLabProjectSpec:
        if self.branches and self.default_branch not in self.branches:
            raise refusal(
                f"the default branch is one of the protected branches; {self.default_branch!r} is not",
                f"add it to branches, or set defaultBranch to one of: {', '.join(self.branches)}",
            )
        return self


def project_violations(spec: GitLabProjectSpec) -> list[Violation]:
    """Return what in a project's data must never be deployed."""
    subject = f"GitLab project {spec.name}"
    return visibility_is_limited(subject, spec.visibility) + [
        violation
        for branch, rules in spec.branches.items()
        for violation in branch_refuses_force_push(f"{subject}, branch {branch}", rules.allow_force_push)
    ]


@dataclass(frozen=True, kw_only=True)
class GitLabProjectArgs:
    """The project's data and where it belongs."""

    spec: GitLabProjectSpec
    group_id: pulumi.Input[str]
    """The group it belongs to."""
    licensed: bool = False
    """Whether the instance has GitLab Premium or Ultimate, which protects branches by lists instead of by one level."""
    hook_tokens: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The secret token of each hook, by the hook's name."""


class GitLabProject(pulumi.ComponentResource):
    """A project with everything that its repository needs to be governed."""

    project_id: pulumi.Output[str]
    """The project's number, as text."""
    path: pulumi.Output[str]
    """Its path with the group's."""
    web_url: pulumi.Output[str]
    """Its page."""
    clone_url: pulumi.Output[str]
    """Where git finds the repository over HTTP."""

    def __init__(self, name: str, args: GitLabProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Project", name, None, opts)
        self._prefix = name
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)
        require(project_violations(args.spec))

        self._project = self._create_project(args)
        self._create_branches(licensed=args.licensed)
        self._create_tag_protections()
        self._create_labels()
        self._create_variables()
        self._create_hooks(args.hook_tokens)

        self.project_id = self._project.id
        self.path = self._project.path_with_namespace
        self.web_url = self._project.web_url
        self.clone_url = self._project.http_url_to_repo
        self.register_outputs(
            {"projectId": self.project_id, "path": self.path, "webUrl": self.web_url, "cloneUrl": self.clone_url}
        )

    def _create_project(self, args: GitLabProjectArgs) -> gitlab.Project:
        spec = self._spec
        return gitlab.Project(
            f"{self._prefix}-project",
            namespace_id=pulumi.Output.from_input(args.group_id).apply(int),
            path=spec.name,
            name=spec.title or spec.name,
            description=spec.description,
            visibility_level=spec.visibility,
            initialize_with_readme=spec.initialize,
            # GitLab takes a default branch only together with a first commit.
            default_branch=spec.default_branch if spec.initialize else None,
            merge_method=spec.merge_method,
            only_allow_merge_if_pipeline_succeeds=spec.merge_needs_pipeline,
            only_allow_merge_if_all_discussions_are_resolved=spec.merge_needs_resolved_discussions,
            remove_source_branch_after_merge=spec.remove_source_branch,
            ci_config_path=spec.ci_config,
            topics=list(spec.topics) or None,
            opts=self._child,
        )

    def _create_branches(self, *, licensed: bool) -> None:
        for branch, spec in self._spec.branches.items():
            # The first commit made the default branch, and an empty repository has nothing to branch from.
            made = (
                [self._create_branch(branch)] if self._spec.initialize and branch != self._spec.default_branch else []
            )
            gitlab.BranchProtection(
                f"{self._prefix}-protection-{branch}",
                project=self._project.id,
                branch=branch,
                push_access_level=None if licensed else spec.push,
                merge_access_level=None if licensed else spec.merge,
                allowed_to_pushes=[gitlab.BranchProtectionAllowedToPushArgs(access_level=spec.push)]
                if licensed
                else None,
                allowed_to_merges=[gitlab.BranchProtectionAllowedToMergeArgs(access_level=spec.merge)]
                if licensed
                else None,
                allow_force_push=spec.allow_force_push,
                opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=made)),
            )

    def _create_branch(self, branch: str) -> gitlab.Branch:
        return gitlab.Branch(
            f"{self._prefix}-branch-{branch}",
            project=self._project.id,
            name=branch,
            ref=self._spec.default_branch,
            # A branch holds what people and pipelines committed: it goes with its project, never before. Where it
            # started is history, so a later default branch must not replace it.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(retain_on_delete=True, ignore_changes=["ref"])
            ),
        )

    def _create_tag_protections(self) -> None:
        for tag in self._spec.protected_tags:
            gitlab.TagProtection(
                f"{self._prefix}-tag-{tag}",
                project=self._project.id,
                tag=tag,
                create_access_level=AccessLevel.MAINTAINER,
                opts=self._child,
            )

    def _create_labels(self) -> None:
        for label, spec in self._spec.labels.items():
            gitlab.ProjectLabel(
                f"{self._prefix}-label-{label}",
                project=self._project.id,
                name=label,
                color=spec.color,
                description=spec.description,
                opts=self._child,
            )

    def _create_variables(self) -> None:
        for key, spec in self._spec.variables.items():
            gitlab.ProjectVariable(
                f"{self._prefix}-variable-{key}",
                project=self._project.id,
                key=key,
                value=spec.value,
                description=spec.description,
                environment_scope=spec.environment,
                protected=spec.protected,
                opts=self._child,
            )

    def _create_hooks(self, tokens: Mapping[str, pulumi.Input[str]]) -> None:
        for hook, spec in self._spec.hooks.items():
            gitlab.ProjectHook(
                f"{self._prefix}-hook-{hook}",
                project=self._project.id,
                name=hook,
                url=spec.url,
                token=pulumi.Output.secret(tokens[hook]),
                push_events=spec.push,
                push_events_branch_filter=spec.branch,
                tag_push_events=spec.tag_push,
                merge_requests_events=spec.merge_requests,
                enable_ssl_verification=True,
                opts=self._child,
            )
