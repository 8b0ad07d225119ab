from __future__ import annotations

import json
import re
from collections.abc import Callable

import pulumi
import pytest
from pydantic import ValidationError

from components.gitlab.parts import Directory, keeping
from components.gitlab.project import GitLabProject, GitLabProjectArgs
from components.gitlab.project_spec import (
    ApprovalSpec,
    BranchSpec,
    CleanupSpec,
    EnvironmentSpec,
    GitLabProjectSpec,
    HookSpec,
    JobTokenSpec,
    MilestoneSpec,
    ScheduleSpec,
)
from components.gitlab.specs import AccessTokenSpec, BadgeSpec, BoardSpec, LabelSpec, MemberSpec, VariableSpec
from components.invariants import InvariantError
from components.vocabulary import AccessLevel, DeploymentTier, GitLabTier, Role, Visibility
from tests.conftest import Recorded, Recorder

Build = Callable[[Callable[[], object]], Recorder]

BRANCHES = {"dev": BranchSpec(), "prod": BranchSpec(push=AccessLevel.NO_ONE, merge=AccessLevel.DEVELOPER)}
SPEC = GitLabProjectSpec(name="tools", default_branch="prod", branches=BRANCHES)


def project(
    spec: GitLabProjectSpec,
    *,
    tier: GitLabTier = GitLabTier.FREE,
    hook_tokens: dict[str, str] | None = None,
    directory: Directory | None = None,
    protect: bool = False,
) -> Callable[[], object]:
    args = GitLabProjectArgs(
        spec=spec,
        group_id="3",
        group_path="bighpc",
        tier=tier,
        protect=protect,
        directory=directory or Directory(),
        project_ids={"platform": 11, "environments": 12},
        group_ids={"teams": 13},
        hook_tokens=hook_tokens or {},
    )
    return lambda: GitLabProject("tools", args)


def by_branch(done: Recorder, token: str, key: str) -> dict[str, Recorded]:
    return {resource.inputs[key]: resource for resource in done.of(token)}


def test_every_branch_is_protected_and_all_but_the_default_one_are_made(build: Build) -> None:
    done = build(project(SPEC))
    assert set(by_branch(done, "gitlab:index/branch:Branch", "name")) == {"dev"}
    assert set(by_branch(done, "gitlab:index/branchProtection:BranchProtection", "branch")) == {"dev", "prod"}


def test_a_project_that_receives_a_history_gets_protections_but_no_branches(build: Build) -> None:
    done = build(project(SPEC.model_copy(update={"initialize": False})))
    assert done.of("gitlab:index/branch:Branch") == []
    assert "defaultBranch" not in done.named("tools-project").inputs
    assert len(done.of("gitlab:index/branchProtection:BranchProtection")) == 2


def test_without_a_licence_a_branch_is_protected_by_one_level_each(build: Build) -> None:
    done = build(project(SPEC))
    protection = done.named("tools-protection-prod").inputs
    assert protection["pushAccessLevel"] == "no one"
    assert protection["mergeAccessLevel"] == "developer"
    assert protection["allowForcePush"] is False


def test_with_a_licence_a_branch_is_protected_by_lists(build: Build) -> None:
    done = build(project(SPEC, tier=GitLabTier.PREMIUM))
    protection = done.named("tools-protection-prod").inputs
    assert protection["allowedToPushes"] == [{"accessLevel": "no one"}]
    assert protection["allowedToMerges"] == [{"accessLevel": "developer"}]
    assert "pushAccessLevel" not in protection, "GitLab refuses both at once"


def test_a_hook_checks_certificates_and_carries_its_secret_token(build: Build) -> None:
    spec = GitLabProjectSpec(name="tools", hooks={"chat": HookSpec(url="https://chat.example/", branch="prod")})
    done = build(project(spec, hook_tokens={"chat": "long-enough"}))
    hook = done.named("tools-hook-chat").inputs
    assert hook["enableSslVerification"] is True
    assert hook["pushEventsBranchFilter"] == "prod"
    assert hook["token"]["value"] == "long-enough", "wrapped as a secret"


def test_a_variable_keeps_its_scope(build: Build) -> None:
    spec = GitLabProjectSpec(name="tools", variables={"MIRROR": VariableSpec(value="x", environment="prod")})
    variable = build(project(spec)).named("tools-variable-MIRROR").inputs
    assert (variable["key"], variable["value"], variable["environmentScope"]) == ("MIRROR", "x", "prod")


def _token(role: Role, scope: str) -> AccessTokenSpec:
    return AccessTokenSpec(role=role, scopes=(scope,))


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (GitLabProjectSpec(name="tools", visibility=Visibility.PUBLIC), "'public'"),
        (GitLabProjectSpec(name="tools", branches={"main": BranchSpec(allow_force_push=True)}), "force push"),
        (GitLabProjectSpec(name="tools", branches={"main": BranchSpec(push=AccessLevel.DEVELOPER)}), "may push"),
        (SPEC.model_copy(update={"environments": {"prod": EnvironmentSpec()}}), "'developer' may merge"),
        (GitLabProjectSpec(name="tools", merge_needs_resolved_discussions=False), "open discussions"),
        (GitLabProjectSpec(name="tools", members={"ada": MemberSpec(role=Role.OWNER)}), "makes an owner"),
        (GitLabProjectSpec(name="tools", access_tokens={"bot": _token(Role.OWNER, "api")}), "its role is owner"),
        (GitLabProjectSpec(name="tools", access_tokens={"bot": _token(Role.DEVELOPER, "sudo")}), "'sudo'"),
    ],
)
def test_what_must_never_be_deployed_is_refused_before_it_is_declared(
    recorder: Recorder, spec: GitLabProjectSpec, text: str
) -> None:
    with pytest.raises(InvariantError, match=text):
        project(spec)()
    assert recorder.of("gitlab:index/project:Project") == []


def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, resource=None: said.append(text))
    return said


APPROVED = GitLabProjectSpec(
    name="tools",
    branches={"main": BranchSpec(code_owners=True)},
    approvals={
        "Anybody": ApprovalSpec(approvals=1),
        "Owners": ApprovalSpec(approvals=2, users=("ada",), branches=("main",)),
    },
    environments={"prod": EnvironmentSpec(tier=DeploymentTier.PRODUCTION, deployers=AccessLevel.MAINTAINER)},
)


def test_what_the_licence_lacks_is_left_out_and_named(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    said = warnings(monkeypatch)
    done = build(project(APPROVED, directory=Directory(users={"ada": 5})))
    assert done.of("gitlab:index/projectApprovalRule:ProjectApprovalRule") == []
    assert done.of("gitlab:index/projectProtectedEnvironment:ProjectProtectedEnvironment") == []
    assert "codeOwnerApprovalRequired" not in done.named("tools-protection-main").inputs
    assert said == [
        f"project tools asks for {feature}, which GitLab has from premium on; this instance is free: left out"
        for feature in ("approval rules", "approval by code owners", "protected environments")
    ]


def test_with_a_licence_approvals_and_deployers_are_asked_for(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    said = warnings(monkeypatch)
    done = build(project(APPROVED, tier=GitLabTier.PREMIUM, directory=Directory(users={"ada": 5})))
    assert said == []
    assert done.named("tools-approval-Anybody").inputs["ruleType"] == "any_approver"
    rule = done.named("tools-approval-Owners").inputs
    protection = [resource.name for resource in done.resources].index("tools-protection-main") + 1
    assert (rule["approvalsRequired"], rule["userIds"], rule["protectedBranchIds"]) == (2, [5], [protection])
    settings = done.named("tools-approvals").inputs
    assert settings["resetApprovalsOnPush"] is True
    assert settings["mergeRequestsAuthorApproval"] is False
    deployers = done.named("tools-deployers-prod").inputs
    assert deployers["environment"] == "prod"
    assert deployers["deployAccessLevelsAttributes"] == [{"accessLevel": "maintainer"}]


@pytest.mark.parametrize(
    ("protect", "adopt", "protected"), [(True, None, True), (False, None, None), (False, "bighpc/tools", True)]
)
def test_what_is_adopted_is_never_deleted(protect: bool, adopt: str | None, protected: bool | None) -> None:
    parent = pulumi.ResourceOptions(retain_on_delete=True)
    options = keeping(parent, protect=protect, adopt=adopt)
    assert (options.protect, options.import_, options.retain_on_delete) == (protected, adopt, True)


def test_an_adopted_project_has_its_branches_already(build: Build) -> None:
    done = build(project(SPEC.model_copy(update={"adopt": True})))
    assert done.of("gitlab:index/branch:Branch") == []
    inputs = done.named("tools-project").inputs
    assert inputs["defaultBranch"] == "prod"
    assert "initializeWithReadme" not in inputs


def test_a_schedule_runs_on_the_branch_and_never_on_a_tag_of_that_name(build: Build) -> None:
    schedule = ScheduleSpec(cron="30 2 * * *", timezone="Europe/Lisbon", variables={"SUITE": "full"})
    done = build(project(GitLabProjectSpec(name="tools", schedules={"Nightly": schedule})))
    inputs = done.named("tools-schedule-Nightly").inputs
    assert (inputs["ref"], inputs["cronTimezone"]) == ("refs/heads/main", "Europe/Lisbon")
    variable = done.named("tools-schedule-Nightly-SUITE").inputs
    assert (variable["key"], variable["value"]) == ("SUITE", "full")
    schedules = [resource.name for resource in done.resources].index("tools-schedule-Nightly") + 1
    assert variable["pipelineScheduleId"] == schedules


def test_a_variable_from_a_secret_or_a_token_is_masked_and_secret(build: Build) -> None:
    variables = {"PASSWORD": VariableSpec(secret="mirror"), "BOT": VariableSpec(token="tools/bot", protected=True)}
    spec = GitLabProjectSpec(
        name="tools", variables=variables, access_tokens={"bot": AccessTokenSpec(role=Role.DEVELOPER, scopes=("api",))}
    )
    directory = Directory(secrets={"mirror": "s3cret-value"}, tokens={"tools/bot": pulumi.Output.secret("glpat-x")})
    done = build(project(spec, directory=directory))
    for key, value in (("PASSWORD", "s3cret-value"), ("BOT", "glpat-x")):
        inputs = done.named(f"tools-variable-{key}").inputs
        assert inputs["value"]["value"] == value, "wrapped as a secret"
        assert inputs["masked"] is True
    rotation = done.named("tools-access-token-bot").inputs["rotationConfiguration"]
    assert rotation == {"expirationDays": 180, "rotateBeforeDays": 60}


def test_a_board_shows_labels_of_the_group_and_of_the_project(build: Build) -> None:
    spec = GitLabProjectSpec(
        name="tools",
        labels={"regression": LabelSpec(color="#d9534f")},
        boards={"Figures": BoardSpec(lists=("regression", "in progress"))},
    )
    args = GitLabProjectArgs(
        spec=spec, group_id="3", group_path="bighpc", group_labels={"in progress": pulumi.Output.from_input(99)}
    )
    done = build(lambda: GitLabProject("tools", args))
    own = [resource.name for resource in done.resources].index("tools-label-regression") + 1
    assert done.named("tools-board-Figures").inputs["lists"] == [{"labelId": own}, {"labelId": 99}]


def test_a_badge_below_the_projects_page_follows_the_project(build: Build) -> None:
    badges = {
        "own": BadgeSpec(image="/badges/main/pipeline.svg", link="/-/pipelines"),
        "other": BadgeSpec(image="https://x.example/a.svg", link="https://x.example/"),
    }
    done = build(project(GitLabProjectSpec(name="tools", badges=badges)))
    assert done.named("tools-badge-own").inputs["imageUrl"] == (
        "http://gitlab.example/bighpc/tools/badges/main/pipeline.svg"
    )
    assert done.named("tools-badge-other").inputs["linkUrl"] == "https://x.example/"


def test_planning_access_and_job_tokens_arrive_as_gitlab_wants_them(build: Build) -> None:
    spec = GitLabProjectSpec.model_validate(
        {
            "name": "tools",
            "milestones": {"Pilot": MilestoneSpec.model_validate({"due": "2027-01-29", "closed": True})},
            "members": {"ada": MemberSpec.model_validate({"role": Role.DEVELOPER, "expires": "2027-01-01"})},
            "sharedWith": {"partners/site": {"role": Role.REPORTER}},
            "jobTokens": JobTokenSpec(projects=("platform",), groups=("teams",)),
            "deployTokens": {"sites": {"scopes": ("read_registry",), "expires": "2027-06-01"}},
            "deployKeys": {"mirror": {"key": "ssh-ed25519 AAAA mirror@site"}},
            "imageCleanup": CleanupSpec(keep=5),
        }
    )
    done = build(project(spec, directory=Directory(users={"ada": 5}, groups={"partners/site": 6})))
    milestone = done.named("tools-milestone-Pilot").inputs
    assert (milestone["dueDate"], milestone["state"]) == ("2027-01-29", "closed")
    member = done.named("tools-member-ada").inputs
    assert (member["userId"], member["accessLevel"], member["expiresAt"]) == (5, "developer", "2027-01-01")
    share = done.named("tools-share-partners/site").inputs
    assert (share["groupId"], share["groupAccess"]) == (6, "reporter")
    scope = done.named("tools-job-tokens").inputs
    assert (scope["targetProjectIds"], scope["targetGroupIds"]) == ([11], [13])
    assert done.named("tools-deploy-token-sites").inputs["expiresAt"] == "2027-06-01T00:00:00.000Z"
    assert done.named("tools-key-mirror").inputs["canPush"] is False
    assert done.named("tools-project").inputs["containerExpirationPolicy"]["keepN"] == 5


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"schedules": {"n": {"cron": "30 2 * * *", "ref": "dev"}}}, "'dev' of schedules.n.ref is none"),
        ({"schedules": {"n": {"cron": "every night"}}}, "five fields"),
        ({"approvals": {"a": {"approvals": 1, "branches": ["x"]}}}, "'x' of approvals.a.branches is none"),
        ({"milestones": {"m": {"start": "2027-02-01", "due": "2027-01-01"}}}, "ends after its start"),
        ({"variables": {"K": {}}}, "here from 0"),
        ({"variables": {"K": {"value": "x", "secret": "y"}}}, "here from 2"),
        ({"accessTokens": {"t": {"role": "owner", "scopes": []}}}, "at least 1 item"),
        (
            {
                "accessTokens": {
                    "t": {"role": "developer", "scopes": ["api"], "rotateBeforeDays": 90, "lifetimeDays": 90}
                }
            },
            "rotated within its lifetime",
        ),
        ({"badges": {"b": {"image": "x.svg", "link": "/"}}}, "below the page"),
        ({"group": "../x"}, "with '/' between them"),
        ({"imageCleanup": {"every": "2d"}}, "'1d', '7d'"),
        ({"deployKeys": {"k": {"key": "AAAA"}}}, "pattern"),
        ({"members": {"a b": {"role": "guest"}}}, "user's account"),
    ],
)
def test_data_that_cannot_be_right_is_refused(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        GitLabProjectSpec.model_validate_json(json.dumps({"name": "tools", **data}))
