"""What git says about a GitLab project, and what of it must never be deployed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.gitlab.specs import OwnerSpec, token_violations
from components.invariants import Violation, branch_refuses_force_push, visibility_is_limited
from components.invariants.access import membership_of_project_is_no_ownership
from components.invariants.forge import (
    branch_is_merged_by_maintainers,
    branch_is_pushed_by_maintainers,
    discussions_gate_merges,
)
from components.spec import (
    Branch,
    Cron,
    ProjectPath,
    RelativePath,
    Slug,
    Spec,
    Text,
    Username,
    VariableKey,
    WebUrl,
    refusal,
)
from components.vocabulary import AccessLevel, DeploymentTier, MergeMethod, SquashOption

__all__ = [
    "ApprovalSpec",
    "BranchSpec",
    "CleanupSpec",
    "DeployKeySpec",
    "EnvironmentSpec",
    "GitLabProjectSpec",
    "HookSpec",
    "JobTokenSpec",
    "MilestoneSpec",
    "ScheduleSpec",
    "TemplateSpec",
    "project_violations",
]


class BranchSpec(Spec):
    """A protected branch."""

    push: AccessLevel = AccessLevel.MAINTAINER
    """Who may push; ``no one`` leaves merge requests as the only way."""
    merge: AccessLevel = AccessLevel.MAINTAINER
    allow_force_push: bool = False
    code_owners: bool = False
    """Whether those whom CODEOWNERS names must approve."""


class ApprovalSpec(Spec):
    """How many of whom approve a merge request before it is merged."""

    approvals: Annotated[int, Field(ge=1, le=100)]
    users: tuple[Username, ...] = ()
    """Who counts; nobody named: everybody who may approve."""
    branches: tuple[Branch, ...] = ()
    """The protected branches that it is for; none named: all branches."""


class HookSpec(Spec):
    """A webhook; its token is an input of the component."""

    url: WebUrl
    push: bool = True
    tag_push: bool = False
    merge_requests: bool = False
    pipelines: bool = False
    deployments: bool = False
    branch: Branch | None = None
    """Only pushes to this branch, if set."""


class ScheduleSpec(Spec):
    """A pipeline that is started by the clock."""

    cron: Cron
    timezone: Text = "UTC"
    ref: Branch | None = None
    """The branch it runs on; by default the default branch."""
    active: bool = True
    variables: dict[VariableKey, Text] = Field(default_factory=dict)


class MilestoneSpec(Spec):
    """Something to be reached, by a day."""

    description: Text | None = None
    start: date | None = None
    due: date | None = None
    closed: bool = False

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> MilestoneSpec:
        if self.start and self.due and self.due < self.start:
            raise refusal(
                f"a milestone ends after its start; {self.due} is before {self.start}", "correct start or due"
            )
        return self


class EnvironmentSpec(Spec):
    """Something that is deployed to."""

    tier: DeploymentTier = DeploymentTier.OTHER
    url: WebUrl | None = None
    description: Text | None = None
    deployers: AccessLevel | None = None
    """The least role that may deploy; unset: everybody who may run the job."""


class CleanupSpec(Spec):
    """When the project's container registry forgets images."""

    every: Literal["1d", "7d", "14d", "1month", "3month"] = "7d"
    keep: Literal[1, 5, 10, 25, 50, 100] = 10
    """How many tags of each image stay in any case."""
    older_than: Literal["7d", "14d", "30d", "60d", "90d"] = "30d"
    remove: Text = ".*"
    """The tags that may go, as a regular expression."""
    spare: Text = "v[0-9].*"
    """The tags that stay, likewise: releases."""


class JobTokenSpec(Spec):
    """Whose jobs may reach this project with their job tokens; nobody else's may."""

    projects: tuple[ProjectPath, ...] = ()
    groups: tuple[ProjectPath, ...] = ()


class DeployKeySpec(Spec):
    """An SSH key of a machine."""

    key: Annotated[str, Field(pattern=r"^(ssh-|ecdsa-|sk-)\S+ \S+")]
    """The public half."""
    push: bool = False


class TemplateSpec(Spec):
    """What is published into the project from a folder of ``pipelines/``."""

    folder: Slug
    catalog: bool = False
    """Whether its releases appear in GitLab's CI/CD catalogue."""


class GitLabProjectSpec(OwnerSpec):
    """What git says about a project, once its archetype is resolved."""

    name: Slug
    group: ProjectPath | None = None
    """The subgroup that it belongs to; unset: the platform's group itself."""
    formerly: tuple[ProjectPath, ...] = ()
    """Paths that it had before: renaming is an update, and nothing is made anew."""
    title: Text | None = None
    description: Text = "A project of the BigHPC platform."
    topics: tuple[Text, ...] = ()

    initialize: bool = True
    """Start with a first commit and the branches below; false for a project that receives an existing history."""
    default_branch: Branch = "main"
    branches: dict[Branch, BranchSpec] = Field(default_factory=dict)
    protected_tags: tuple[Text, ...] = ("v*",)
    merge_method: MergeMethod = MergeMethod.MERGE
    squash: SquashOption = SquashOption.DEFAULT_OFF
    merge_needs_pipeline: bool = True
    merge_needs_resolved_discussions: bool = True
    remove_source_branch: bool = True
    approvals: dict[Text, ApprovalSpec] = Field(default_factory=dict)

    ci_config: RelativePath | None = None
    runner_tags: tuple[Text, ...] = ()
    """What its jobs ask of a runner."""
    schedules: dict[Text, ScheduleSpec] = Field(default_factory=dict)
    environments: dict[Text, EnvironmentSpec] = Field(default_factory=dict)
    job_tokens: JobTokenSpec | None = None
    """Unset: GitLab's own rule, only the project's own jobs."""
    image_cleanup: CleanupSpec | None = None
    hooks: dict[Slug, HookSpec] = Field(default_factory=dict)
    template: TemplateSpec | None = None

    deploy_keys: dict[Text, DeployKeySpec] = Field(default_factory=dict)
    milestones: dict[Text, MilestoneSpec] = Field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is below the platform's group; also its name in this program."""
        return f"{self.group}/{self.name}" if self.group else self.name

    @model_validator(mode="after")
    def _default_branch_is_protected(self) -> GitLabProjectSpec:
        if self.branches and self.default_branch not in self.branches:
            raise refusal(
                f"the default branch is one of the protected branches; {self.default_branch!r} is not",
                f"add it to branches, or set defaultBranch to one of: {', '.join(self.branches)}",
            )
        return self

    @model_validator(mode="after")
    def _branches_are_known(self) -> GitLabProjectSpec:
        known = {self.default_branch, *self.branches}
        named = {f"schedules.{name}.ref": each.ref for name, each in self.schedules.items() if each.ref}
        named |= {
            f"approvals.{name}.branches": branch for name, each in self.approvals.items() for branch in each.branches
        }
        unknown = [f"{branch!r} of {key}" for key, branch in named.items() if branch not in known]
        if unknown:
            raise refusal(
                f"schedules and approvals name branches of the project; {', '.join(unknown)} is none",
                f"add it to branches, or use one of: {', '.join(sorted(known))}",
            )
        return self


def project_violations(spec: GitLabProjectSpec) -> list[Violation]:
    """Return what in a project's data must never be deployed."""
    subject = f"GitLab project {spec.path}"
    merging = {"onlyAllowMergeIfAllDiscussionsAreResolved": spec.merge_needs_resolved_discussions}
    return [
        *visibility_is_limited(subject, spec.visibility),
        *discussions_gate_merges(subject, merging),
        *token_violations(subject, spec.access_tokens),
        *(
            violation
            for name, member in spec.members.items()
            for violation in membership_of_project_is_no_ownership(
                f"{subject}, member {name}", {"accessLevel": member.role}
            )
        ),
        *(
            violation
            for branch, rules in spec.branches.items()
            for violation in _branch_violations(f"{subject}, branch {branch}", branch, rules, spec)
        ),
    ]


def _branch_violations(subject: str, branch: str, rules: BranchSpec, spec: GitLabProjectSpec) -> list[Violation]:
    levels = {"branch": branch, "pushAccessLevel": rules.push, "mergeAccessLevel": rules.merge}
    return [
        *branch_refuses_force_push(subject, rules.allow_force_push),
        *branch_is_pushed_by_maintainers(subject, levels),
        *branch_is_merged_by_maintainers(subject, levels, frozenset(spec.environments)),
    ]
