"""GitLab: groups, projects and what enters their branches and tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.invariants.violation import Data, invariant
from components.invariants.wording import has_credentials, secret_in
from components.vocabulary import Visibility

__all__ = [
    "approvals_exclude_authors",
    "branch_is_merged_by_maintainers",
    "branch_is_pushed_by_maintainers",
    "branch_refuses_force_push",
    "default_branches_refuse_force_push",
    "discussions_gate_merges",
    "environment_is_deployed_by_maintainers",
    "file_holds_no_secret",
    "group_asks_for_two_factors",
    "import_has_no_credentials",
    "job_tokens_are_limited",
    "job_tokens_do_not_push",
    "merge_needs_an_approval",
    "pages_are_not_public",
    "pipeline_definition_is_reviewed",
    "pipelines_gate_merges",
    "projects_are_made_by_maintainers",
    "skipped_pipelines_do_not_pass",
    "tag_is_made_by_maintainers",
    "variables_are_overridden_by_maintainers",
    "visibility_is_limited",
]

_MAINTAINERS: Final = frozenset({"no one", "maintainer", "owner", "admin"})


def _levels(data: Data, level: str, grants: str) -> Iterator[str]:
    """Yield the roles that are let in below maintainer, from the one level and from the list of a licensed GitLab."""
    granted = [data.get(level)] + [grant.get("accessLevel") for grant in data.get(grants) or ()]
    yield from (role for role in granted if role is not None and role not in _MAINTAINERS)


def _takes_merge_requests(project: Data) -> bool:
    return project.get("mergeRequestsAccessLevel") != "disabled"


@invariant("Groups and projects of the platform are private or internal.", "Set the visibility to private or internal.")
def visibility_is_limited(visibility: str) -> Iterator[str]:
    """A GitLab group or project is private or internal."""
    if visibility == Visibility.PUBLIC:
        yield f"its visibility is '{visibility}'"


@invariant("A protected branch keeps its history.", "Set allowForcePush to false and undo changes with git revert.")
def branch_refuses_force_push(allow_force_push: bool) -> Iterator[str]:
    """A protected branch keeps its history: recovery by ``git revert`` depends on it."""
    if allow_force_push:
        yield "force push is allowed"


@invariant(
    "The branches of new projects keep their history.",
    "Set allowForcePush of defaultBranchProtectionDefaults to false.",
)
def default_branches_refuse_force_push(group: Data) -> Iterator[str]:
    """A project that somebody makes by hand starts with a default branch that keeps its history."""
    if (group.get("defaultBranchProtectionDefaults") or {}).get("allowForcePush"):
        yield "its new projects allow force pushes"


@invariant(
    "Only maintainers push to a protected branch, if anybody.", "Set pushAccessLevel to 'no one' or 'maintainer'."
)
def branch_is_pushed_by_maintainers(branch: Data) -> Iterator[str]:
    """A push goes around the merge request and its review, so few may do it."""
    yield from (f"'{role}' may push" for role in _levels(branch, "pushAccessLevel", "allowedToPushes"))


@invariant("Only maintainers merge into an environment's branch.", "Set mergeAccessLevel to 'maintainer'.")
def branch_is_merged_by_maintainers(branch: Data, environments: frozenset[str]) -> Iterator[str]:
    """A merge into an environment's branch is a deployment to that environment."""
    if branch.get("branch") in environments:
        yield from (f"'{role}' may merge" for role in _levels(branch, "mergeAccessLevel", "allowedToMerges"))


@invariant("Only maintainers make release tags.", "Set createAccessLevel to 'maintainer' or 'no one'.")
def tag_is_made_by_maintainers(tag: Data) -> Iterator[str]:
    """A release tag decides what is built, signed and installed elsewhere."""
    yield from (f"'{role}' may create it" for role in _levels(tag, "createAccessLevel", "allowedToCreates"))


@invariant(
    "Only maintainers deploy to a protected environment.", "Set accessLevel to 'maintainer', or name users or groups."
)
def environment_is_deployed_by_maintainers(level: Data) -> Iterator[str]:
    """Who deploys to production is decided by role."""
    role = level.get("accessLevel")
    if role is not None and role not in _MAINTAINERS:
        yield f"'{role}' may deploy"


@invariant("A merge waits for a successful pipeline.", "Set onlyAllowMergeIfPipelineSucceeds to true.")
def pipelines_gate_merges(project: Data) -> Iterator[str]:
    """What fails its tests is not merged."""
    if project.get("onlyAllowMergeIfPipelineSucceeds") is not True and _takes_merge_requests(project):
        yield "it merges without a successful pipeline"


@invariant("A skipped pipeline is no successful pipeline.", "Set allowMergeOnSkippedPipeline to false.")
def skipped_pipelines_do_not_pass(project: Data) -> Iterator[str]:
    """``[skip ci]`` in a commit's message goes around no gate."""
    if project.get("allowMergeOnSkippedPipeline"):
        yield "it merges when the pipeline is skipped"


@invariant(
    "A merge waits until all discussions are resolved.", "Set onlyAllowMergeIfAllDiscussionsAreResolved to true."
)
def discussions_gate_merges(project: Data) -> Iterator[str]:
    """What a reviewer asks is answered."""
    if project.get("onlyAllowMergeIfAllDiscussionsAreResolved") is not True and _takes_merge_requests(project):
        yield "it merges with open discussions"


@invariant(
    "A pipeline's definition is in a repository, where changes to it are reviewed.",
    "Set ciConfigPath to a path in this project, or to path@group/project.",
)
def pipeline_definition_is_reviewed(project: Data) -> Iterator[str]:
    """Whoever controls a web page must not control the pipeline."""
    if "://" in (project.get("ciConfigPath") or ""):
        yield "its pipeline is defined by a web page"


@invariant(
    "Only maintainers override the variables of a pipeline.",
    "Set ciPipelineVariablesMinimumOverrideRole to 'maintainer' or 'no_one_allowed'.",
)
def variables_are_overridden_by_maintainers(project: Data) -> Iterator[str]:
    """A developer who chooses a job's variables chooses where its secrets go."""
    if project.get("ciPipelineVariablesMinimumOverrideRole") == "developer":
        yield "developers may override pipeline variables"


@invariant(
    "A job's own token does not push.", "Set ciPushRepositoryForJobTokenAllowed to false and push with a bot's token."
)
def job_tokens_do_not_push(project: Data) -> Iterator[str]:
    """A job that was tricked must not change the source that it was built from."""
    if project.get("ciPushRepositoryForJobTokenAllowed"):
        yield "job tokens may push to it"


@invariant(
    "Only projects on a list reach a project with their jobs' tokens.", "Set enabled to true and list the projects."
)
def job_tokens_are_limited(scope: Data) -> Iterator[str]:
    """A job anywhere on the instance is not let in."""
    if scope.get("enabled") is False:
        yield "jobs of every project have access"


@invariant("Pages are for members.", "Set pagesAccessLevel to 'private' or 'enabled'.")
def pages_are_not_public(project: Data) -> Iterator[str]:
    """A private project does not publish a web site by accident."""
    if project.get("pagesAccessLevel") == "public":
        yield "its pages are public"


@invariant(
    "An address carries no password or token.", "Use importUrlUsername and importUrlPassword, as a Pulumi secret."
)
def import_has_no_credentials(project: Data) -> Iterator[str]:
    """An address is shown in logs, in messages and in the state."""
    if has_credentials(project.get("importUrl") or ""):
        yield "importUrl carries credentials"


@invariant("Members of the group sign in with two factors.", "Set requireTwoFactorAuthentication to true.")
def group_asks_for_two_factors(group: Data) -> Iterator[str]:
    """A password that leaked opens nothing by itself."""
    if group.get("requireTwoFactorAuthentication") is not True:
        yield "a password alone opens it"


@invariant(
    "Only maintainers make projects in the group.", "Set projectCreationLevel to 'maintainer', 'owner' or 'noone'."
)
def projects_are_made_by_maintainers(group: Data) -> Iterator[str]:
    """A project next to the platform's inherits the group's variables and runners."""
    if group.get("projectCreationLevel") == "developer":
        yield "developers may create projects"


@invariant("An approval rule asks for an approval.", "Set approvalsRequired to at least 1.")
def merge_needs_an_approval(rule: Data) -> Iterator[str]:
    """A rule that asks for none only looks like review."""
    if (rule.get("approvalsRequired") or 0) < 1:
        yield "it asks for no approval"


@invariant(
    "Nobody approves their own change, and an approval is of what is merged.",
    "Set mergeRequestsAuthorApproval to false, mergeRequestsDisableCommittersApproval, resetApprovalsOnPush to true.",
)
def approvals_exclude_authors(setting: Data) -> Iterator[str]:
    """Two people have seen every change."""
    if setting.get("mergeRequestsAuthorApproval"):
        yield "authors may approve"
    if setting.get("mergeRequestsDisableCommittersApproval") is False:
        yield "committers may approve"
    if setting.get("resetApprovalsOnPush") is False:
        yield "an approval outlives a push"


@invariant(
    "A repository holds no secrets.", "Revoke the secret, and hand it out as a masked variable or a Kubernetes secret."
)
def file_holds_no_secret(text: str) -> Iterator[str]:
    """What was committed once is in every clone."""
    kind = secret_in(text)
    if kind is not None:
        yield f"it contains {kind}"
