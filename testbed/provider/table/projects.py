"""Projects."""

from __future__ import annotations

from typing import Any

from testbed.provider.api import Answer
from testbed.provider.codecs import INTEGER, SET, Codec
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Resource, Send, inputs, outputs, snake_case

__all__ = ["RESOURCES"]


class _Expiration(Codec):
    """When the container registry forgets images; GitLab adds fields of its own."""

    def encode(self, value: Any) -> Any:
        return {snake_case(name): item for name, item in value.items()}

    def decode(self, value: Any) -> Any:
        names = ("cadence", "enabled", "keepN", "nameRegexDelete", "nameRegexKeep", "nextRunAt", "olderThan")
        read = {name: value.get(snake_case(name)) for name in names}
        return {name: item for name, item in read.items() if item is not None}

    def same(self, left: Any, right: Any) -> bool:
        return all(left[name] == right[name] for name in left.keys() & right.keys() - {"nextRunAt"})


class _Project(Lifecycle):
    def create(self, call: Call) -> Answer:
        origin = call.wanted("forkedFromProjectId")
        if origin is None:
            return super().create(call)
        names = {"name", "path", "namespace_id", "visibility", "description", "branches"}
        body = {name: value for name, value in call.body(creating=True).items() if name in names}
        fork = call.api.send("post", f"/projects/{origin}/fork", body)
        call.api.wait_until(lambda: self._is_imported(call, fork["id"]), f"GitLab to fork project {origin}")
        return call.api.send("put", f"/projects/{fork['id']}", call.body())

    @staticmethod
    def _is_imported(call: Call, project: int) -> bool:
        return call.api.get(f"/projects/{project}").get("import_status") in {"finished", "none", None}

    def complete(self, call: Call) -> Answer | None:
        return self._archive(call) if call.wanted("archived") else None

    def read(self, call: Call) -> Answer | None:
        answer = super().read(call)
        return None if answer is None or answer.get("marked_for_deletion_on") else answer

    def update(self, call: Call) -> Answer:
        if call.changed("archived") and not call.wanted("archived"):
            self._archive(call)  # an archived project cannot be changed
        if call.changed("namespaceId"):
            call.api.send("put", f"{call.item}/transfer", {"namespace": call.wanted("namespaceId")})
        answer = super().update(call)
        return self._archive(call) if call.changed("archived") and call.wanted("archived") else answer

    @staticmethod
    def _archive(call: Call) -> Answer:
        return call.api.send("post", f"{call.item}/{'archive' if call.wanted('archived') else 'unarchive'}")

    def delete(self, call: Call) -> None:
        if call.state.get("archiveOnDestroy"):
            call.api.send("post", f"{call.item}/archive")
            return
        call.api.delete(call.item)
        call.api.wait_until(
            lambda: self.read(call) is None, f"GitLab to delete project {call.state.get('pathWithNamespace')}"
        )
        scheduled = call.api.find(call.item)
        if scheduled is not None and call.state.get("permanentlyDeleteOnDestroy"):
            # The first deletion only schedules it; GitLab wants the path again for the second.
            path = scheduled["path_with_namespace"]
            call.api.delete(call.item, {"permanently_remove": "true", "full_path": path})


_LEVEL = ("disabled", "private", "enabled")
_PUBLIC_LEVEL = (*_LEVEL, "public")

RESOURCES = (
    Resource(
        name="Project",
        collection="projects",
        item="projects/{key}",
        id="{key}",
        lifecycle=_Project(),
        properties=(
            *inputs(
                "name path description allowMergeOnSkippedPipeline allowPipelineTriggerApproveDeployment "
                "autoDevopsEnabled autoDuoCodeReviewEnabled autocloseReferencedIssues automaticRebaseEnabled "
                "ciConfigPath ciDisplayPipelineVariables ciForwardDeploymentEnabled "
                "ciForwardDeploymentRollbackAllowed ciPushRepositoryForJobTokenAllowed ciSeparatedCaches "
                "emailsEnabled externalAuthorizationClassificationLabel groupRunnersEnabled "
                "issueBranchTemplate issuesTemplate keepLatestArtifact lfsEnabled mergeCommitTemplate "
                "mergePipelinesEnabled mergeRequestTitleRegex mergeRequestTitleRegexDescription "
                "mergeRequestsTemplate mergeTrainsEnabled mergeTrainsSkipTrainAllowed mrDefaultTargetSelf "
                "mrDefaultTitleTemplate onlyAllowMergeIfAllDiscussionsAreResolved "
                "onlyAllowMergeIfPipelineSucceeds packagesEnabled preReceiveSecretDetectionEnabled "
                "preventMergeWithoutJiraIssue printingMergeRequestLinkEnabled protectMergeRequestPipelines "
                "publicJobs publicBuilds:public_jobs removeSourceBranchAfterMerge repositoryStorage "
                "requestAccessEnabled resolveOutdatedDiffDiscussions resourceGroupDefaultProcessMode "
                "reviewerAssignmentStrategy sharedRunnersEnabled squashCommitTemplate "
                "suggestionCommitMessage"
            ),
            *inputs("defaultBranch"),
            *inputs("visibilityLevel:visibility", choices=("private", "internal", "public")),
            *inputs("mergeMethod", choices=("merge", "rebase_merge", "ff")),
            *inputs("squashOption", choices=("never", "always", "default_on", "default_off")),
            *inputs("autoCancelPendingPipelines", choices=("enabled", "disabled")),
            *inputs("autoDevopsDeployStrategy", choices=("continuous", "manual", "timed_incremental")),
            *inputs("buildGitStrategy", choices=("clone", "fetch")),
            *inputs(
                "ciPipelineVariablesMinimumOverrideRole",
                choices=("no_one_allowed", "developer", "maintainer", "owner"),
            ),
            *inputs("ciRestrictPipelineCancellationRole", choices=("developer", "maintainer", "no one")),
            *inputs(
                "analyticsAccessLevel buildsAccessLevel containerRegistryAccessLevel environmentsAccessLevel "
                "featureFlagsAccessLevel forkingAccessLevel infrastructureAccessLevel issuesAccessLevel "
                "mergeRequestsAccessLevel modelExperimentsAccessLevel modelRegistryAccessLevel monitorAccessLevel "
                "releasesAccessLevel repositoryAccessLevel requirementsAccessLevel "
                "securityAndComplianceAccessLevel snippetsAccessLevel wikiAccessLevel",
                choices=_LEVEL,
            ),
            *inputs("packageRegistryAccessLevel pagesAccessLevel", choices=_PUBLIC_LEVEL),
            *inputs("buildTimeout ciDefaultGitDepth ciDeletePipelinesInSeconds maxArtifactsSize", codec=INTEGER),
            *inputs("namespaceId", reads="namespace.id", codec=INTEGER, send=Send.CREATE),
            *inputs("topics ciIdTokenSubClaimComponents", codec=SET),
            *inputs(
                "containerExpirationPolicy:container_expiration_policy_attributes",
                reads="container_expiration_policy",
                codec=_Expiration(),
            ),
            *inputs("archived", send=Send.NEVER, default=False),
            *inputs(
                "archiveOnDestroy permanentlyDeleteOnDestroy skipWaitForDefaultBranchProtection",
                send=Send.NEVER,
                read=False,
                default=False,
            ),
            *inputs("initializeWithReadme useCustomTemplate importUrl branches", send=Send.CREATE, read=False),
            *inputs("forkedFromProjectId", send=Send.NEVER, read=False, codec=INTEGER),
            *inputs("templateName", send=Send.CREATE, read=False, replaces=True),
            *inputs("templateProjectId", send=Send.CREATE, read=False, replaces=True, codec=INTEGER),
            *inputs("groupWithProjectTemplatesId", send=Send.CREATE, read=False, codec=INTEGER),
            *outputs("avatarUrl emptyRepo httpUrlToRepo pathWithNamespace sshUrlToRepo webUrl"),
            *outputs("runnersToken", secret=True),
        ),
        unsupported=frozenset({"avatar", "avatarHash", "importUrlPassword", "importUrlUsername", "pushRules"}),
    ),
)
