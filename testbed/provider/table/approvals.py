"""Whose consent it takes: approval rules of merge requests, protected environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.provider.api import Answer
from testbed.provider.codecs import IDS, Records, level_name, level_number
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Resource, Send, inputs, parent, snake_case

__all__ = ["RESOURCES"]

_SETTINGS = (
    "disableOverridingApproversPerMergeRequest mergeRequestsAuthorApproval mergeRequestsDisableCommittersApproval "
    "requirePasswordToApprove requireReauthenticationToApprove resetApprovalsOnPush selectiveCodeOwnerRemovals"
)


class _Settings(Lifecycle):
    """One per project, always there; deleting it lifts every limit."""

    def create(self, call: Call) -> Answer:
        return self.update(call)

    def delete(self, call: Call) -> None:
        call.api.send("post", call.item, {snake_case(name): False for name in _SETTINGS.split()})


class _Entries(Records):
    """Who: a role, a user or a group, each entry with a number of GitLab's."""

    _FIELDS = ("accessLevel", "userId", "groupId", "groupInheritanceType", "requiredApprovals")

    def __init__(self) -> None:
        super().__init__(("accessLevel", "userId", "groupId", "requiredApprovals"))

    def encode(self, value: Any) -> Any:
        return [self._sent(entry) for entry in value]

    def _sent(self, entry: Mapping[str, Any]) -> Answer:
        sent = {snake_case(name): entry[name] for name in self._FIELDS if entry.get(name) is not None}
        if "access_level" in sent:
            sent["access_level"] = level_number(sent["access_level"])
        return sent

    def decode(self, value: Any) -> Any:
        return [self._read(entry) for entry in value]

    def _read(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        names = ("id", *self._FIELDS, "accessLevelDescription")
        read = {name: entry.get(snake_case(name)) for name in names}
        if read["accessLevel"] is not None:
            # An entry for a user or a group has a role of no meaning.
            named = read["userId"] or read["groupId"]
            read["accessLevel"] = None if named else level_name(read["accessLevel"])
        return {name: item for name, item in read.items() if item is not None}


class _ProtectedEnvironment(Lifecycle):
    """GitLab adds entries and removes them by their numbers: it takes both at once, so nobody gets in between."""

    _LISTS = ("deploy_access_levels", "approval_rules")

    def update(self, call: Call) -> Answer:
        body = call.body()
        current = call.api.get(call.item)
        for field in self._LISTS:
            gone = [{"id": entry["id"], "_destroy": True} for entry in current.get(field) or ()]
            body[field] = [*body.get(field, ()), *gone]
        return call.api.send("put", call.item, body)


RESOURCES = (
    Resource(
        name="ProjectApprovalRule",
        collection="projects/{project}/approval_rules",
        item="projects/{project}/approval_rules/{key}",
        id="{project}:{key}",
        lifecycle=Lifecycle(),
        properties=(
            *parent("project"),
            *inputs("name"),
            *inputs("approvalsRequired", required=True),
            *inputs("ruleType", replaces=True, choices=("regular", "any_approver", "report_approver")),
            *inputs("reportType", replaces=True),
            *inputs("userIds", reads="users", codec=IDS, default=[]),
            *inputs("groupIds", reads="groups", codec=IDS, default=[]),
            *inputs("protectedBranchIds", reads="protected_branches", codec=IDS, default=[]),
            *inputs("appliesToAllProtectedBranches", default=False),
            *inputs("disableImportingDefaultAnyApproverRuleOnCreate", send=Send.NEVER, read=False, default=False),
        ),
    ),
    Resource(
        name="ProjectLevelMrApprovals",
        collection="projects/{project}/approvals",
        item="projects/{project}/approvals",
        id="{project}",
        lifecycle=_Settings(),
        update="post",
        properties=(*parent("project"), *inputs(_SETTINGS)),
    ),
    Resource(
        name="ProjectProtectedEnvironment",
        collection="projects/{project}/protected_environments",
        item="projects/{project}/protected_environments/{environment}",
        id="{project}:{environment}",
        lifecycle=_ProtectedEnvironment(),
        properties=(
            *parent("project"),
            *inputs("environment:name", required=True, replaces=True),
            *inputs("deployAccessLevelsAttributes:deploy_access_levels", codec=_Entries(), default=[]),
            *inputs("approvalRules", codec=_Entries(), default=[]),
        ),
    ),
)
