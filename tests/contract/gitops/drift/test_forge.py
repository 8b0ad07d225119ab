"""What no program declares in the group, on the double."""

from __future__ import annotations

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from gitops.drift.forge import look, owns_forge
from gitops.pulumi.state import State
from tests.contract.gitlab.support import Double, fresh, make_person
from tests.contract.gitops.fake_engine import resource
from tests.contract.gitops.states import state_of


@pytest.fixture
def state(group: Group, project: Project) -> State:
    """A stack with the group and the project."""
    return state_of(
        "prod",
        resource("gitlab:index/group:Group", "forge", str(group.id), stack="prod"),
        resource("gitlab:index/project:Project", "platform", str(project.id), stack="prod"),
    )


def found(client: gitlab.Gitlab, state: State, *others: State) -> list[str]:
    """What is undeclared, in words."""
    findings, errors = look(client, state, [state, *others], lambda _: None)
    assert errors == []
    return sorted(finding.title for finding in findings)


def test_a_forge_as_the_program_made_it_has_no_drift(bot: gitlab.Gitlab, state: State) -> None:
    assert found(bot, state) == []


def test_everything_made_by_hand_is_named_once(
    bot: gitlab.Gitlab, group: Group, project: Project, state: State
) -> None:
    bot.projects.create({"name": "byhand", "namespace_id": group.id})
    subgroup = bot.groups.create({"name": "sub", "path": "sub", "parent_id": group.id})
    bot.projects.create({"name": "inside", "namespace_id": subgroup.id})
    group.labels.create({"name": "urgent", "color": "#ff0000"})
    group.variables.create({"key": "GROUP_KEY", "value": "s3cret-canary"})
    group.deploytokens.create({"name": "reader", "scopes": ["read_repository"]})
    project.variables.create({"key": "KEY", "value": "s3cret-canary", "environment_scope": "prod"})
    project.deploytokens.create({"name": "puller", "scopes": ["read_registry"]})
    hook = project.hooks.create({"url": "https://me:pw-canary@hooks.example/s3cret-canary?token=canary"})
    expected = [
        f"deploy token puller in project {project.path_with_namespace}",
        f"deploy token reader in group {group.path}",
        f"group label urgent in group {group.path}",
        f"hook {hook.id} to https://hooks.example in project {project.path_with_namespace}",
        f"project byhand in group {group.path}",
        f"subgroup sub in group {group.path}",
        f"variable GROUP_KEY (scope *) in group {group.path}",
        f"variable KEY (scope prod) in project {project.path_with_namespace}",
    ]
    assert found(bot, state) == expected
    assert "canary" not in " ".join(found(bot, state))


def test_what_any_stack_declares_is_expected(bot: gitlab.Gitlab, group: Group, project: Project, state: State) -> None:
    label = group.labels.create({"name": "urgent", "color": "#ff0000"})
    hook = project.hooks.create({"url": "https://argocd.example/api/webhook"})
    token = project.deploytokens.create({"name": "argocd-dev", "scopes": ["read_repository"]})
    project.variables.create({"key": "KEY", "value": "x", "environment_scope": "prod"})
    declared = state_of(
        "dev",
        resource("gitlab:index/groupLabel:GroupLabel", "label", f"{group.id}:{label.id}"),
        resource("gitlab:index/projectHook:ProjectHook", "hook", f"{project.id}:{hook.id}"),
        resource("gitlab:index/projectDeployToken:ProjectDeployToken", "reader", f"{project.id}:{token.id}"),
        resource("gitlab:index/projectVariable:ProjectVariable", "key", f"{project.id}:KEY:prod"),
    )
    assert found(bot, state, declared) == []


def test_members_count_where_the_program_names_members(
    double: Double, bot: gitlab.Gitlab, group: Group, state: State
) -> None:
    root = double.client(double.root_token)
    named, other = make_person(double, root), make_person(double, root)
    for person in (named, other):
        group.members.create({"user_id": person.id, "access_level": 30})
    group.access_tokens.create({"name": "robot", "scopes": ["api"], "access_level": 30, "expires_at": "2027-01-01"})
    assert found(bot, state) == [], "the directory's members are not the program's"
    member = resource("gitlab:index/groupMembership:GroupMembership", "m", f"{group.id}:{named.id}", stack="prod")
    assert found(bot, state, state_of("prod", member)) == [f"member {other.username} in group {group.path}"]


def test_a_group_that_is_gone_is_left_to_the_comparison_with_reality(bot: gitlab.Gitlab) -> None:
    gone = state_of("prod", resource("gitlab:index/group:Group", "forge", "999999", stack="prod"))
    assert found(bot, gone) == []


def test_what_the_token_may_not_see_is_an_error(double: Double, group: Group, state: State) -> None:
    stranger = make_person(double, double.client(double.root_token))
    group.members.create({"user_id": stranger.id, "access_level": 20})
    findings, errors = look(stranger.client, state, [state], lambda _: None)
    assert findings == []
    assert f"variables of group {group.path}: GitLab answered 403" in " ".join(errors)


def test_only_the_stack_with_the_group_owns_the_forge(state: State) -> None:
    assert owns_forge(state)
    assert not owns_forge(state_of("dev", resource("gitlab:index/projectHook:ProjectHook", fresh("hook"), "1:1")))
