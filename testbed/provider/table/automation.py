"""What runs by itself: variables, hooks, runners, schedules, triggers, agents, environments."""

from __future__ import annotations

from typing import Any

from testbed.provider.api import Answer
from testbed.provider.codecs import INTEGER, REF, SET, Records
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Property, Resource, Send, inputs, outputs, parent

__all__ = ["RESOURCES"]


class _Variable(Lifecycle):
    """A variable is named by its key and scope together."""

    @staticmethod
    def _scope(call: Call) -> dict[str, str]:
        return {"filter[environment_scope]": call.state.get("environmentScope") or "*"}

    def create(self, call: Call) -> Answer:
        body = call.body(creating=True)
        if call.wanted("hidden"):
            body["masked_and_hidden"] = True
        return call.api.send("post", call.collection, body)

    def read(self, call: Call) -> Answer | None:
        return call.api.find(call.item, self._scope(call))

    def update(self, call: Call) -> Answer:
        return call.api.send("put", call.item, call.body(), self._scope(call))

    def delete(self, call: Call) -> None:
        call.api.delete(call.item, self._scope(call))

    def property(self, call: Call, item: Property, answer: Answer) -> Any:
        if item.name == "value" and answer.get("value") is None:
            return call.state.get("value")  # GitLab never tells a hidden value
        return super().property(call, item, answer)


class _Pairs(Records):
    """Headers and URL variables: GitLab tells their names only."""

    def __init__(self) -> None:
        super().__init__(("key", "value"))


class _Runner(Lifecycle):
    def create(self, call: Call) -> Answer:
        created = super().create(call)
        return call.api.get(f"/runners/{created['id']}") | {"token": created["token"], "id": created["id"]}


class _AgentToken(Lifecycle):
    def read(self, call: Call) -> Answer | None:
        answer = super().read(call)
        return None if answer is None or answer.get("status") == "revoked" else answer


class _Environment(Lifecycle):
    def delete(self, call: Call) -> None:
        if call.state.get("stopBeforeDestroy"):
            current = call.api.find(call.item)
            if current is None:
                return
            if current.get("state") != "stopped":
                call.api.send("post", f"{call.item}/stop", {"force": True})
        super().delete(call)


class _Schedule(Lifecycle):
    def update(self, call: Call) -> Answer:
        if call.wanted("takeOwnership"):
            call.api.send("post", f"{call.item}/take_ownership")
        return super().update(call)


class _ScheduleVariable(Lifecycle):
    """GitLab shows the variables of a schedule within it only."""

    def read(self, call: Call) -> Answer | None:
        path = call.resource.path("projects/{project}/pipeline_schedules/{pipelineScheduleId}", call.state)
        schedule = call.api.find(path) or {}
        return next((item for item in schedule.get("variables", ()) if item["key"] == call.state["key"]), None)


class _Trigger(Lifecycle):
    def property(self, call: Call, item: Property, answer: Answer) -> Any:
        known = call.state.get("token")
        if item.name == "token" and known and str(known).startswith(str(answer.get("token"))):
            return known  # GitLab shows the token of another's trigger by its first characters
        return super().property(call, item, answer)


_EVENTS = (
    "tagPushEvents mergeRequestsEvents issuesEvents confidentialIssuesEvents noteEvents confidentialNoteEvents "
    "jobEvents pipelineEvents wikiPageEvents deploymentEvents featureFlagEvents releasesEvents milestoneEvents "
    "emojiEvents resourceAccessTokenEvents resourceDeployTokenEvents vulnerabilityEvents"
)
_VARIABLE = (
    *inputs("value", required=True),
    *inputs("description"),
    *inputs("environmentScope", replaces=True, default="*"),
    *inputs("masked protected raw", default=False),
    *inputs("hidden", replaces=True, default=False, send=Send.NEVER),
    *inputs("variableType", default="env_var", choices=("env_var", "file")),
)
_KEY = inputs("key", required=True, replaces=True)

RESOURCES = (
    Resource(
        name="GroupVariable",
        collection="groups/{group}/variables",
        item="groups/{group}/variables/{key}",
        id="{group}:{key}:{environmentScope}",
        lifecycle=_Variable(),
        properties=(*parent("group"), *_KEY, *_VARIABLE),
    ),
    Resource(
        name="ProjectVariable",
        collection="projects/{project}/variables",
        item="projects/{project}/variables/{key}",
        id="{project}:{key}:{environmentScope}",
        lifecycle=_Variable(),
        properties=(*parent("project"), *_KEY, *_VARIABLE),
    ),
    Resource(
        name="ProjectHook",
        collection="projects/{project}/hooks",
        item="projects/{project}/hooks/{hookId}",
        id="{project}:{hookId}",
        lifecycle=Lifecycle(),
        unique=True,
        properties=(
            *parent("project"),
            *inputs("url", required=True),
            *inputs("token", secret=True, read=False, default=""),
            *inputs("signingToken", secret=True, read=False),
            *inputs("customHeaders urlVariables", read=False, codec=_Pairs()),
            *inputs("pushEvents enableSslVerification", default=True),
            *inputs(_EVENTS, default=False),
            *inputs("name description customWebhookTemplate pushEventsBranchFilter", default=""),
            *inputs("branchFilterStrategy", choices=("wildcard", "regex", "all_branches")),
            *outputs("alertStatus disabledUntil hookId:id projectId repositoryUpdateEvents signingTokenPresent"),
        ),
    ),
    Resource(
        name="UserRunner",
        collection="user/runners",
        item="runners/{key}",
        id="{key}",
        lifecycle=_Runner(),
        unique=True,
        properties=(
            *inputs(
                "runnerType", required=True, replaces=True, choices=("instance_type", "group_type", "project_type")
            ),
            *inputs("groupId projectId", replaces=True, read=False, send=Send.CREATE, codec=INTEGER),
            *inputs("description maintenanceNote", default=""),
            *inputs("tagLists:tag_list", codec=SET, default=[]),
            *inputs("untagged:run_untagged locked paused", default=False),
            *inputs("accessLevel", default="not_protected", choices=("not_protected", "ref_protected")),
            *inputs("maximumTimeout", codec=INTEGER),
            *outputs("token", secret=True),
        ),
    ),
    Resource(
        name="ClusterAgent",
        collection="projects/{project}/cluster_agents",
        item="projects/{project}/cluster_agents/{agentId}",
        id="{project}:{agentId}",
        lifecycle=Lifecycle(),
        update="",
        properties=(
            *parent("project"),
            *inputs("name"),
            *outputs("agentId:id createdAt createdByUserId"),
        ),
    ),
    Resource(
        name="ClusterAgentToken",
        collection="projects/{project}/cluster_agents/{agentId}/tokens",
        item="projects/{project}/cluster_agents/{agentId}/tokens/{tokenId}",
        id="{project}:{agentId}:{tokenId}",
        lifecycle=_AgentToken(),
        update="",
        unique=True,
        properties=(
            *parent("project"),
            *parent("agentId", codec=INTEGER),
            *inputs("name"),
            *inputs("description", default=""),
            *outputs("tokenId:id createdAt createdByUserId lastUsedAt status"),
            *outputs("token", secret=True),
        ),
    ),
    Resource(
        name="ProjectEnvironment",
        collection="projects/{project}/environments",
        item="projects/{project}/environments/{key}",
        id="{project}:{key}",
        lifecycle=_Environment(),
        properties=(
            *parent("project"),
            *inputs("name", replaces=True, send=Send.CREATE),
            *inputs("description externalUrl kubernetesNamespace fluxResourcePath", default=""),
            *inputs("clusterAgentId", reads="cluster_agent.id", codec=INTEGER),
            *inputs("tier", choices=("production", "staging", "testing", "development", "other")),
            *inputs("autoStopSetting", choices=("always", "with_action")),
            *inputs("stopBeforeDestroy", send=Send.NEVER, read=False, default=False),
            *outputs("autoStopAt createdAt slug state updatedAt"),
        ),
    ),
    Resource(
        name="PipelineSchedule",
        collection="projects/{project}/pipeline_schedules",
        item="projects/{project}/pipeline_schedules/{pipelineScheduleId}",
        id="{project}:{pipelineScheduleId}",
        lifecycle=_Schedule(),
        unique=True,
        properties=(
            *parent("project"),
            *inputs("description cron", required=True),
            *inputs("ref", required=True, codec=REF),
            *inputs("cronTimezone", default="UTC"),
            *inputs("active", default=True),
            *inputs("inputs", codec=Records(("name", "value"))),
            *inputs("takeOwnership", send=Send.NEVER, read=False, default=False),
            *outputs("pipelineScheduleId:id"),
            *outputs("owner", reads="owner.id"),
        ),
    ),
    Resource(
        name="PipelineScheduleVariable",
        collection="projects/{project}/pipeline_schedules/{pipelineScheduleId}/variables",
        item="projects/{project}/pipeline_schedules/{pipelineScheduleId}/variables/{key}",
        id="{project}:{pipelineScheduleId}:{key}",
        lifecycle=_ScheduleVariable(),
        properties=(
            *parent("project"),
            *parent("pipelineScheduleId", codec=INTEGER),
            *_KEY,
            *inputs("value", required=True),
            *inputs("variableType", default="env_var", choices=("env_var", "file")),
        ),
    ),
    Resource(
        name="PipelineTrigger",
        collection="projects/{project}/triggers",
        item="projects/{project}/triggers/{pipelineTriggerId}",
        id="{project}:{pipelineTriggerId}",
        lifecycle=_Trigger(),
        unique=True,
        properties=(
            *parent("project"),
            *inputs("description", required=True),
            *outputs("pipelineTriggerId:id"),
            *outputs("token", secret=True),
        ),
    ),
)
