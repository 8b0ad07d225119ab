"""Settings of a project that are kept and given back."""

from __future__ import annotations

from typing import Any, Literal

from testbed.gitlab.core.params import CommaSeparated, Params

__all__ = ["DEFAULTS", "ProjectAttributes", "switches"]

Feature = Literal["disabled", "private", "enabled"] | None

_FEATURES = (
    "analytics",
    "builds",
    "container_registry",
    "environments",
    "feature_flags",
    "forking",
    "infrastructure",
    "issues",
    "merge_requests",
    "model_experiments",
    "model_registry",
    "monitor",
    "releases",
    "repository",
    "snippets",
    "wiki",
)

_OLD_SWITCHES = {
    "issues_enabled": "issues_access_level",
    "merge_requests_enabled": "merge_requests_access_level",
    "wiki_enabled": "wiki_access_level",
    "jobs_enabled": "builds_access_level",
    "snippets_enabled": "snippets_access_level",
    "container_registry_enabled": "container_registry_access_level",
}
"""Boolean parameters from before access levels, still taken and given."""

DEFAULTS: dict[str, Any] = {
    **{f"{feature}_access_level": "enabled" for feature in _FEATURES},
    "pages_access_level": "private",
    "requirements_access_level": "enabled",
    "security_and_compliance_access_level": "private",
    "allow_merge_on_skipped_pipeline": None,
    "allow_pipeline_trigger_approve_deployment": False,
    "approvals_before_merge": 0,
    "auto_cancel_pending_pipelines": "enabled",
    "auto_devops_deploy_strategy": "continuous",
    "auto_devops_enabled": False,
    "autoclose_referenced_issues": True,
    "build_coverage_regex": None,
    "build_git_strategy": "fetch",
    "build_timeout": 3600,
    "ci_allow_fork_pipelines_to_run_in_parent_project": True,
    "ci_config_path": None,
    "container_expiration_policy": {
        "cadence": "1d",
        "enabled": False,
        "keep_n": 10,
        "older_than": "90d",
        "name_regex": ".*",
        "name_regex_delete": ".*",
        "name_regex_keep": None,
        "next_run_at": None,
    },
    "ci_default_git_depth": 20,
    "ci_delete_pipelines_in_seconds": None,
    "ci_forward_deployment_enabled": True,
    "ci_forward_deployment_rollback_allowed": True,
    "ci_id_token_sub_claim_components": ["project_path", "ref_type", "ref"],
    "ci_job_token_scope_enabled": False,
    "ci_pipeline_variables_minimum_override_role": "developer",
    "ci_push_repository_for_job_token_allowed": False,
    "ci_restrict_pipeline_cancellation_role": "developer",
    "ci_separated_caches": True,
    "emails_disabled": False,
    "emails_enabled": True,
    "enforce_auth_checks_on_uploads": True,
    "external_authorization_classification_label": "",
    "group_runners_enabled": True,
    "issue_branch_template": None,
    "issues_template": None,
    "keep_latest_artifact": True,
    "lfs_enabled": True,
    "max_artifacts_size": None,
    "merge_commit_template": None,
    "merge_method": "merge",
    "merge_pipelines_enabled": False,
    "merge_requests_template": None,
    "merge_trains_enabled": False,
    "merge_trains_skip_train_allowed": False,
    "mirror": False,
    "mr_default_target_self": False,
    "only_allow_merge_if_all_discussions_are_resolved": False,
    "only_allow_merge_if_all_status_checks_passed": False,
    "only_allow_merge_if_pipeline_succeeds": False,
    "packages_enabled": True,
    "pre_receive_secret_detection_enabled": False,
    "prevent_merge_without_jira_issue": False,
    "printing_merge_request_link_enabled": True,
    "public_jobs": True,
    "remove_source_branch_after_merge": True,
    "request_access_enabled": True,
    "resolve_outdated_diff_discussions": False,
    "resource_group_default_process_mode": "unordered",
    "restrict_user_defined_variables": False,
    "service_desk_enabled": False,
    "shared_runners_enabled": True,
    "squash_commit_template": None,
    "squash_option": "default_off",
    "suggestion_commit_message": None,
    "warn_about_potentially_unwanted_characters": True,
}


class ContainerExpiration(Params):
    """When the container registry forgets images."""

    cadence: Literal["1d", "7d", "14d", "1month", "3month"] | None = None
    enabled: bool | None = None
    keep_n: Literal[1, 5, 10, 25, 50, 100] | None = None
    older_than: Literal["7d", "14d", "30d", "60d", "90d"] | None = None
    name_regex: str | None = None
    name_regex_delete: str | None = None
    name_regex_keep: str | None = None


class ProjectAttributes(Params):
    """The settings as parameters; what is not sent keeps its value."""

    analytics_access_level: Feature = None
    builds_access_level: Feature = None
    container_registry_access_level: Feature = None
    environments_access_level: Feature = None
    feature_flags_access_level: Feature = None
    forking_access_level: Feature = None
    infrastructure_access_level: Feature = None
    issues_access_level: Feature = None
    merge_requests_access_level: Feature = None
    model_experiments_access_level: Feature = None
    model_registry_access_level: Feature = None
    monitor_access_level: Feature = None
    pages_access_level: Literal["disabled", "private", "enabled", "public"] | None = None
    releases_access_level: Feature = None
    repository_access_level: Feature = None
    requirements_access_level: Feature = None
    security_and_compliance_access_level: Feature = None
    snippets_access_level: Feature = None
    wiki_access_level: Feature = None
    container_registry_enabled: bool | None = None
    issues_enabled: bool | None = None
    jobs_enabled: bool | None = None
    merge_requests_enabled: bool | None = None
    snippets_enabled: bool | None = None
    wiki_enabled: bool | None = None
    allow_merge_on_skipped_pipeline: bool | None = None
    allow_pipeline_trigger_approve_deployment: bool | None = None
    approvals_before_merge: int | None = None
    auto_cancel_pending_pipelines: Literal["disabled", "enabled"] | None = None
    auto_devops_deploy_strategy: Literal["continuous", "manual", "timed_incremental"] | None = None
    auto_devops_enabled: bool | None = None
    autoclose_referenced_issues: bool | None = None
    build_coverage_regex: str | None = None
    build_git_strategy: Literal["fetch", "clone"] | None = None
    build_timeout: int | None = None
    ci_allow_fork_pipelines_to_run_in_parent_project: bool | None = None
    ci_config_path: str | None = None
    container_expiration_policy_attributes: ContainerExpiration | None = None
    ci_default_git_depth: int | None = None
    ci_delete_pipelines_in_seconds: int | None = None
    ci_forward_deployment_enabled: bool | None = None
    ci_forward_deployment_rollback_allowed: bool | None = None
    ci_id_token_sub_claim_components: CommaSeparated | None = None
    ci_pipeline_variables_minimum_override_role: (
        Literal["owner", "maintainer", "developer", "no_one_allowed"] | None
    ) = None
    ci_push_repository_for_job_token_allowed: bool | None = None
    ci_restrict_pipeline_cancellation_role: Literal["developer", "maintainer", "no_one"] | None = None
    ci_separated_caches: bool | None = None
    emails_disabled: bool | None = None
    emails_enabled: bool | None = None
    enforce_auth_checks_on_uploads: bool | None = None
    external_authorization_classification_label: str | None = None
    group_runners_enabled: bool | None = None
    issue_branch_template: str | None = None
    issues_template: str | None = None
    keep_latest_artifact: bool | None = None
    lfs_enabled: bool | None = None
    max_artifacts_size: int | None = None
    merge_commit_template: str | None = None
    merge_method: Literal["ff", "rebase_merge", "merge"] | None = None
    merge_pipelines_enabled: bool | None = None
    merge_requests_template: str | None = None
    merge_trains_enabled: bool | None = None
    merge_trains_skip_train_allowed: bool | None = None
    mirror: bool | None = None
    mr_default_target_self: bool | None = None
    only_allow_merge_if_all_discussions_are_resolved: bool | None = None
    only_allow_merge_if_all_status_checks_passed: bool | None = None
    only_allow_merge_if_pipeline_succeeds: bool | None = None
    packages_enabled: bool | None = None
    pre_receive_secret_detection_enabled: bool | None = None
    prevent_merge_without_jira_issue: bool | None = None
    printing_merge_request_link_enabled: bool | None = None
    public_builds: bool | None = None
    public_jobs: bool | None = None
    remove_source_branch_after_merge: bool | None = None
    request_access_enabled: bool | None = None
    resolve_outdated_diff_discussions: bool | None = None
    resource_group_default_process_mode: (
        Literal["unordered", "oldest_first", "newest_first", "newest_ready_first"] | None
    ) = None
    restrict_user_defined_variables: bool | None = None
    service_desk_enabled: bool | None = None
    shared_runners_enabled: bool | None = None
    squash_commit_template: str | None = None
    squash_option: Literal["never", "always", "default_on", "default_off"] | None = None
    suggestion_commit_message: str | None = None
    warn_about_potentially_unwanted_characters: bool | None = None

    def chosen(self) -> dict[str, Any]:
        """The settings that were sent, under the names they are given back with."""
        result = self.model_dump(exclude_unset=True, include=set(ProjectAttributes.model_fields))
        for old, new in _OLD_SWITCHES.items():
            if (switch := result.pop(old, None)) is not None:
                result.setdefault(new, "enabled" if switch else "disabled")
        if expiration := result.pop("container_expiration_policy_attributes", None):
            result["container_expiration_policy"] = {**DEFAULTS["container_expiration_policy"], **expiration}
        if "public_builds" in result:
            result["public_jobs"] = result.pop("public_builds")
        return result


def switches(kept: dict[str, Any]) -> dict[str, bool]:
    """The old boolean switches, from the access levels."""
    return {old: kept[new] != "disabled" for old, new in _OLD_SWITCHES.items()}
