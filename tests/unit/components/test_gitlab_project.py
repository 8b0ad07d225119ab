from __future__ import annotations

from collections.abc import Callable

import pytest

from components.gitlab_project import (
    BranchSpec,
    GitLabProject,
    GitLabProjectArgs,
    GitLabProjectSpec,
    HookSpec,
    VariableSpec,
)
from components.invariants import InvariantError
from components.vocabulary import AccessLevel, Visibility
from tests.conftest import Recorded, Recorder

Build = Callable[[Callable[[], object]], Recorder]

BRANCHES = {"dev": BranchSpec(), "prod": BranchSpec(push=AccessLevel.NO_ONE, merge=AccessLevel.DEVELOPER)}
SPEC = GitLabProjectSpec(name="tools", default_branch="prod", branches=BRANCHES)


def project(spec: GitLabProjectSpec, *, licensed: bool = False, **tokens: str) -> Callable[[], object]:
    args = GitLabProjectArgs(spec=spec, group_id="3", licensed=licensed, hook_tokens=tokens)
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
    done = build(project(SPEC, licensed=True))
    protection = done.named("tools-protection-prod").inputs
    assert protection["allowedToPushes"] == [{"accessLevel": "no one"}]
    assert protection["allowedToMerges"] == [{"accessLevel": "developer"}]
    assert "pushAccessLevel" not in protection, "GitLab refuses both at once"


def test_a_hook_checks_certificates_and_carries_its_secret_token(build: Build) -> None:
    spec = GitLabProjectSpec(name="tools", hooks={"chat": HookSpec(url="https://chat.example/", branch="prod")})
    done = build(project(spec, chat="long-enough"))
    hook = done.named("tools-hook-chat").inputs
    assert hook["enableSslVerification"] is True
    assert hook["pushEventsBranchFilter"] == "prod"
    assert hook["token"]["value"] == "long-enough", "wrapped as a secret"


def test_a_variable_keeps_its_scope(build: Build) -> None:
    spec = GitLabProjectSpec(name="tools", variables={"MIRROR": VariableSpec(value="x", environment="prod")})
    variable = build(project(spec)).named("tools-variable-MIRROR").inputs
    assert (variable["key"], variable["value"], variable["environmentScope"]) == ("MIRROR", "x", "prod")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (GitLabProjectSpec(name="tools", visibility=Visibility.PUBLIC), "'public'"),
        (GitLabProjectSpec(name="tools", branches={"main": BranchSpec(allow_force_push=True)}), "force push"),
    ],
)
def test_what_must_never_be_deployed_is_refused_before_it_is_declared(
    recorder: Recorder, spec: GitLabProjectSpec, text: str
) -> None:
    with pytest.raises(InvariantError, match=text):
        project(spec)()
    assert recorder.of("gitlab:index/project:Project") == []
