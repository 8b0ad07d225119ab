"""Who may do what in a project: branches, tags, approvals, environments, members, tokens and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.parts import Directory, Owner, day, instant
from components.gitlab.project_spec import BranchSpec, GitLabProjectSpec
from components.gitlab.tiers import Feature
from components.vocabulary import AccessLevel, GitLabTier

__all__ = ["create_access", "create_branches", "create_environments", "wanted_features"]


def wanted_features(spec: GitLabProjectSpec) -> Iterator[Feature]:
    """Yield what the project asks for that not every licence covers."""
    if spec.approvals:
        yield Feature.APPROVAL_RULES
    if any(branch.code_owners for branch in spec.branches.values()):
        yield Feature.CODE_OWNERS
    if any(environment.deployers for environment in spec.environments.values()):
        yield Feature.PROTECTED_ENVIRONMENTS


def create_branches(owner: Owner, spec: GitLabProjectSpec, directory: Directory, tier: GitLabTier) -> None:
    """Make and protect the branches, protect the tags, and say who approves merge requests."""
    protections = {branch: _protect(owner, spec, branch, rules, tier) for branch, rules in spec.branches.items()}
    for tag in spec.protected_tags:
        gitlab.TagProtection(
            f"{owner.prefix}-tag-{tag}",
            project=owner.id,
            tag=tag,
            create_access_level=AccessLevel.MAINTAINER,
            opts=owner.options,
        )
    if spec.approvals and tier.covers(Feature.APPROVAL_RULES.least):
        _create_approvals(owner, spec, directory, protections)


def _protect(
    owner: Owner, spec: GitLabProjectSpec, branch: str, rules: BranchSpec, tier: GitLabTier
) -> gitlab.BranchProtection:
    # The first commit made the default branch; an empty repository has nothing to branch from, and an adopted one has
    # its branches already.
    missing = spec.initialize and not spec.adopt and branch != spec.default_branch
    made = [_create_branch(owner, spec, branch)] if missing else []
    # With a licence GitLab takes lists instead of one level each.
    licensed = tier.covers(GitLabTier.PREMIUM)
    return gitlab.BranchProtection(
        f"{owner.prefix}-protection-{branch}",
        project=owner.id,
        branch=branch,
        push_access_level=None if licensed else rules.push,
        merge_access_level=None if licensed else rules.merge,
        allowed_to_pushes=[gitlab.BranchProtectionAllowedToPushArgs(access_level=rules.push)] if licensed else None,
        allowed_to_merges=[gitlab.BranchProtectionAllowedToMergeArgs(access_level=rules.merge)] if licensed else None,
        allow_force_push=rules.allow_force_push,
        code_owner_approval_required=rules.code_owners if licensed else None,
        opts=pulumi.ResourceOptions.merge(owner.options, pulumi.ResourceOptions(depends_on=made)),
    )


def _create_branch(owner: Owner, spec: GitLabProjectSpec, branch: str) -> gitlab.Branch:
    return gitlab.Branch(
        f"{owner.prefix}-branch-{branch}",
        project=owner.id,
        name=branch,
        ref=spec.default_branch,
        # A branch holds what people and pipelines committed: it goes with its project, never before. Where it
        # started is history, so a later default branch must not replace it.
        opts=pulumi.ResourceOptions.merge(
            owner.options, pulumi.ResourceOptions(retain_on_delete=True, ignore_changes=["ref"])
        ),
    )


def _create_approvals(
    owner: Owner,
    spec: GitLabProjectSpec,
    directory: Directory,
    protections: Mapping[str, gitlab.BranchProtection],
) -> None:
    for rule, approval in spec.approvals.items():
        gitlab.ProjectApprovalRule(
            f"{owner.prefix}-approval-{rule}",
            project=owner.id,
            name=rule,
            approvals_required=approval.approvals,
            rule_type="regular" if approval.users else "any_approver",
            user_ids=[directory.users[user] for user in approval.users] or None,
            protected_branch_ids=[protections[branch].branch_protection_id for branch in approval.branches] or None,
            opts=owner.options,
        )
    gitlab.ProjectLevelMrApprovals(
        f"{owner.prefix}-approvals",
        project=owner.id,
        # What was approved is what is merged, and nobody approves alone what they wrote.
        reset_approvals_on_push=True,
        merge_requests_author_approval=False,
        merge_requests_disable_committers_approval=True,
        disable_overriding_approvers_per_merge_request=True,
        opts=owner.options,
    )


def create_environments(owner: Owner, spec: GitLabProjectSpec, tier: GitLabTier) -> None:
    """Make the environments, and say who may deploy to them."""
    for name, environment in spec.environments.items():
        made = gitlab.ProjectEnvironment(
            f"{owner.prefix}-environment-{name}",
            project=owner.id,
            name=name,
            tier=environment.tier,
            external_url=environment.url,
            description=environment.description,
            # GitLab deletes only what is stopped.
            stop_before_destroy=True,
            opts=owner.options,
        )
        if environment.deployers and tier.covers(Feature.PROTECTED_ENVIRONMENTS.least):
            gitlab.ProjectProtectedEnvironment(
                f"{owner.prefix}-deployers-{name}",
                project=owner.id,
                environment=made.name,
                deploy_access_levels_attributes=[
                    gitlab.ProjectProtectedEnvironmentDeployAccessLevelsAttributeArgs(
                        access_level=environment.deployers
                    )
                ],
                opts=owner.options,
            )


def create_access(owner: Owner, spec: GitLabProjectSpec, directory: Directory) -> dict[str, pulumi.Output[str]]:
    """Make members, tokens and keys; return the values of the access tokens by name."""
    for user, member in spec.members.items():
        gitlab.ProjectMembership(
            f"{owner.prefix}-member-{user}",
            project=owner.id,
            user_id=directory.users[user],
            access_level=member.role,
            expires_at=day(member.expires),
            opts=owner.options,
        )
    for path, share in spec.shared_with.items():
        gitlab.ProjectShareGroup(
            f"{owner.prefix}-share-{path}",
            project=owner.id,
            group_id=directory.groups[path],
            group_access=share.role,
            expires_at=day(share.expires),
            opts=owner.options,
        )
    for title, key in spec.deploy_keys.items():
        gitlab.DeployKey(
            f"{owner.prefix}-key-{title}",
            project=owner.id,
            title=title,
            key=key.key,
            can_push=key.push,
            opts=owner.options,
        )
    for name, deploy in spec.deploy_tokens.items():
        gitlab.ProjectDeployToken(
            f"{owner.prefix}-deploy-token-{name}",
            project=owner.id,
            name=name,
            username=deploy.username,
            scopes=list(deploy.scopes),
            expires_at=instant(deploy.expires),
            opts=owner.options,
        )
    return {name: _create_access_token(owner, spec, name).token for name in spec.access_tokens}


def _create_access_token(owner: Owner, spec: GitLabProjectSpec, name: str) -> gitlab.ProjectAccessToken:
    token = spec.access_tokens[name]
    return gitlab.ProjectAccessToken(
        f"{owner.prefix}-access-token-{name}",
        project=owner.id,
        name=name,
        description=token.description,
        access_level=token.role,
        scopes=list(token.scopes),
        rotation_configuration=gitlab.ProjectAccessTokenRotationConfigurationArgs(
            expiration_days=token.lifetime_days, rotate_before_days=token.rotate_before_days
        ),
        opts=owner.options,
    )
