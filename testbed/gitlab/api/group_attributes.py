"""Settings of a group that are kept and given back."""

from __future__ import annotations

from typing import Any, Literal

from testbed.gitlab.core.params import Params
from testbed.gitlab.repositories.defaults import BY_NUMBER

__all__ = ["DEFAULTS", "GroupAttributes"]

DEFAULTS: dict[str, Any] = {
    "share_with_group_lock": False,
    "require_two_factor_authentication": False,
    "two_factor_grace_period": 48,
    "project_creation_level": "developer",
    "auto_devops_enabled": None,
    "subgroup_creation_level": "maintainer",
    "emails_disabled": False,
    "emails_enabled": True,
    "show_diff_preview_in_email": True,
    "mentions_disabled": None,
    "lfs_enabled": True,
    "math_rendering_limits_enabled": True,
    "lock_math_rendering_limits_enabled": False,
    "default_branch": None,
    "default_branch_protection": 2,
    "default_branch_protection_defaults": BY_NUMBER[2],
    "request_access_enabled": True,
    "shared_runners_setting": "enabled",
    "max_artifacts_size": None,
    "membership_lock": False,
    "prevent_forking_outside_group": None,
    "prevent_sharing_groups_outside_hierarchy": False,
    "ip_restriction_ranges": None,
    "allowed_email_domains_list": None,
    "wiki_access_level": "enabled",
    "shared_runners_minutes_limit": None,
    "extra_shared_runners_minutes_limit": None,
    "unique_project_download_limit": 0,
    "step_up_auth_required_oauth_provider": None,
}


class LevelEntry(Params):
    """One role."""

    access_level: Literal[0, 30, 40, 60]


class ProtectionDefaults(Params):
    """``default_branch_protection_defaults``."""

    allowed_to_push: list[LevelEntry] | None = None
    allowed_to_merge: list[LevelEntry] | None = None
    allow_force_push: bool | None = None
    developer_can_initial_push: bool | None = None


class GroupAttributes(Params):
    """The settings as parameters; what is not sent keeps its value."""

    share_with_group_lock: bool | None = None
    require_two_factor_authentication: bool | None = None
    two_factor_grace_period: int | None = None
    project_creation_level: Literal["noone", "owner", "maintainer", "developer", "administrator"] | None = None
    auto_devops_enabled: bool | None = None
    subgroup_creation_level: Literal["owner", "maintainer"] | None = None
    emails_disabled: bool | None = None
    emails_enabled: bool | None = None
    show_diff_preview_in_email: bool | None = None
    mentions_disabled: bool | None = None
    lfs_enabled: bool | None = None
    math_rendering_limits_enabled: bool | None = None
    lock_math_rendering_limits_enabled: bool | None = None
    default_branch: str | None = None
    default_branch_protection: Literal[0, 1, 2, 3, 4] | None = None
    default_branch_protection_defaults: ProtectionDefaults | None = None
    request_access_enabled: bool | None = None
    shared_runners_setting: (
        Literal["disabled_and_unoverridable", "disabled_and_overridable", "disabled_with_override", "enabled"] | None
    ) = None
    max_artifacts_size: int | None = None
    membership_lock: bool | None = None
    prevent_forking_outside_group: bool | None = None
    prevent_sharing_groups_outside_hierarchy: bool | None = None
    ip_restriction_ranges: str | None = None
    allowed_email_domains_list: str | None = None
    wiki_access_level: Literal["disabled", "private", "enabled"] | None = None
    shared_runners_minutes_limit: int | None = None
    extra_shared_runners_minutes_limit: int | None = None
    unique_project_download_limit: int | None = None
    step_up_auth_required_oauth_provider: str | None = None

    def chosen(self) -> dict[str, Any]:
        """The settings that were sent. The old number and the settings it stands for go together."""
        result = self.model_dump(exclude_unset=True, include=set(GroupAttributes.model_fields))
        defaults, number = "default_branch_protection_defaults", "default_branch_protection"
        if result.get(defaults) is not None:
            result[defaults] = {**BY_NUMBER[2], **result[defaults]}
            result[number] = next((each for each, known in BY_NUMBER.items() if known == result[defaults]), 2)
        elif result.get(number) is not None:
            result[defaults] = BY_NUMBER[result[number]]
        return result
