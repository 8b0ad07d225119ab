"""Groups."""

from __future__ import annotations

from typing import Any

from testbed.provider.api import Answer
from testbed.provider.codecs import COMMA_SEPARATED, INTEGER, Codec, level_name, level_number
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Resource, Send, inputs, outputs

__all__ = ["RESOURCES"]

_VISIBILITY = ("private", "internal", "public")


class _BranchDefaults(Codec):
    """How new projects protect their default branch."""

    def encode(self, value: Any) -> Any:
        levels = {
            field: [{"access_level": level_number(name)} for name in value[name_of]]
            for name_of, field in (("allowedToPushes", "allowed_to_push"), ("allowedToMerges", "allowed_to_merge"))
            if value.get(name_of) is not None
        }
        flags = {
            field: value[name]
            for name, field in (
                ("allowForcePush", "allow_force_push"),
                ("codeOwnerApprovalRequired", "code_owner_approval_required"),
                ("developerCanInitialPush", "developer_can_initial_push"),
            )
            if value.get(name) is not None
        }
        return levels | flags

    def decode(self, value: Any) -> Any:
        decoded = {
            "allowedToPushes": [level_name(entry["access_level"]) for entry in value.get("allowed_to_push", ())],
            "allowedToMerges": [level_name(entry["access_level"]) for entry in value.get("allowed_to_merge", ())],
            "allowForcePush": value.get("allow_force_push"),
            "codeOwnerApprovalRequired": value.get("code_owner_approval_required"),
            "developerCanInitialPush": value.get("developer_can_initial_push"),
        }
        return {name: item for name, item in decoded.items() if item is not None}

    def same(self, left: Any, right: Any) -> bool:
        # What the program leaves out is up to GitLab.
        common = left.keys() & right.keys()
        return all(self._comparable(left[name]) == self._comparable(right[name]) for name in common)

    @staticmethod
    def _comparable(value: Any) -> Any:
        return sorted(value) if isinstance(value, list) else value


class _Group(Lifecycle):
    def read(self, call: Call) -> Answer | None:
        answer = call.api.find(call.item, {"with_projects": "false"})
        return None if answer is None or answer.get("marked_for_deletion_on") else answer

    def delete(self, call: Call) -> None:
        if call.state.get("archiveOnDestroy"):
            call.api.send("post", f"{call.item}/archive")
            return
        call.api.delete(call.item)
        call.api.wait_until(lambda: self.read(call) is None, f"GitLab to delete group {call.state.get('fullPath')}")
        scheduled = call.api.find(call.item)
        if scheduled is not None and call.state.get("permanentlyRemoveOnDelete") and call.state.get("parentId"):
            # The first deletion of a subgroup only schedules it; GitLab wants the path again for the second.
            call.api.delete(call.item, {"permanently_remove": "true", "full_path": scheduled["full_path"]})


RESOURCES = (
    Resource(
        name="Group",
        collection="groups",
        item="groups/{key}",
        id="{key}",
        lifecycle=_Group(),
        properties=(
            *inputs("path", required=True),
            *inputs(
                "name description allowMergeOnSkippedPipeline autoDevopsEnabled crmEnabled defaultBranch emailsEnabled "
                "lfsEnabled membershipLock mentionsDisabled onlyAllowMergeIfAllDiscussionsAreResolved "
                "onlyAllowMergeIfPipelineSucceeds preventForkingOutsideGroup preventSharingGroupsOutsideHierarchy "
                "requestAccessEnabled requireTwoFactorAuthentication shareWithGroupLock"
            ),
            *inputs("visibilityLevel:visibility", choices=_VISIBILITY),
            *inputs("projectCreationLevel", choices=("noone", "owner", "maintainer", "developer", "administrator")),
            *inputs("subgroupCreationLevel", choices=("owner", "maintainer")),
            *inputs(
                "sharedRunnersSetting",
                choices=("enabled", "disabled_and_overridable", "disabled_and_unoverridable", "disabled_with_override"),
            ),
            *inputs("wikiAccessLevel", choices=("disabled", "private", "enabled")),
            *inputs("parentId", codec=INTEGER, send=Send.CREATE, replaces=True),
            *inputs(
                "defaultBranchProtection extraSharedRunnersMinutesLimit maxArtifactsSize sharedRunnersMinutesLimit "
                "twoFactorGracePeriod",
                codec=INTEGER,
            ),
            *inputs("defaultBranchProtectionDefaults", codec=_BranchDefaults()),
            *inputs("allowedEmailDomainsLists:allowed_email_domains_list ipRestrictionRanges", codec=COMMA_SEPARATED),
            *inputs("archiveOnDestroy permanentlyRemoveOnDelete", send=Send.NEVER, read=False, default=False),
            *outputs("avatarUrl fullName fullPath webUrl"),
            *outputs("runnersToken", secret=True),
        ),
        unsupported=frozenset({"avatar", "avatarHash", "pushRules"}),
    ),
)
