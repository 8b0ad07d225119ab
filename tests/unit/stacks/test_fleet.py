"""Any fleet resolves or lists its offenders, in whatever order its files come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.gitlab.project_spec import GitLabProjectSpec
from stacks.documents import validate
from stacks.fleet import Fleet, load_fleet, resolve_fleet
from stacks.fleet_model import Document, FleetDocuments
from stacks.problems import ConfigurationError

ARCHETYPES = {
    "base": {"visibility": "private"},
    "application": {"extends": "base", "branches": {"main": {"push": "no one"}}, "runnerTags": ["containers"]},
}
CIRCLE = {"one": {"extends": "two"}, "two": {"extends": "one"}}
GROUP = {"subgroups": {"teams": {}, "teams/one": {}}, "labels": {"bug": {"color": "#d9534f"}}}
RUNNERS = {
    "containers": {"description": "All.", "tags": ["containers"], "package": {}},
    "hpc": {"description": "Some.", "group": "teams", "tags": ["hpc"], "package": {"executor": "shell"}},
}
AGENTS = {
    "project": "environments",
    "environments": {"dev": {"name": "dev", "ciAccess": [{"project": "environments"}]}},
}

names = st.sampled_from(["portal", "tools", "handbook", "Not a name"])
paths = st.sampled_from(["environments", "portal", "teams/tools", "nowhere"])
projects = st.fixed_dictionaries(
    {"name": names},
    optional={
        "archetype": st.sampled_from(["base", "application", "one", "unknown"]),
        "group": st.sampled_from(["teams", "teams/one", "elsewhere"]),
        "formerly": st.lists(paths, max_size=2),
        "runnerTags": st.lists(st.sampled_from(["containers", "hpc", "gpu"]), max_size=2),
        "boards": st.just({"Flow": {"lists": ["bug"]}}) | st.just({"Flow": {"lists": ["no label"]}}),
        "jobTokens": st.fixed_dictionaries({"projects": st.lists(paths, max_size=2)}),
        "accessTokens": st.just({"bot": {"role": "developer", "scopes": ["api"]}}),
        "variables": st.just({"BOT": {"token": "portal/bot"}}) | st.just({"X": {"value": "1"}}),
        "schedules": st.just({"Nightly": {"cron": "0 2 * * *"}}) | st.just({"Nightly": {"cron": "at night"}}),
        "visibility": st.sampled_from(["private", "public"]),
    },
)


def documents(contents: list[dict[str, Any]], **more: Any) -> FleetDocuments:
    """A fleet of these projects, each in the file that its name and group ask for; files of the same name are one."""
    files = {}
    for content in contents:
        name = "/".join(filter(None, [content.get("group"), content["name"]]))
        files[name] = Document(where=f"stacks/projects/{name}.yaml", name=name, content=content)
    return FleetDocuments(
        group=Document(where="stacks/group.yaml", name="group", content=GROUP),
        archetypes=Document(where="stacks/archetypes.yaml", name="archetypes", content={**ARCHETYPES, **more}),
        projects=list(files.values()),
        runners=Document(where="stacks/runners.yaml", name="runners", content=RUNNERS),
        agents=Document(where="stacks/agents.yaml", name="agents", content=AGENTS),
    )


def resolve(found: FleetDocuments) -> Fleet | frozenset[str]:
    """The fleet, or what is wrong with it."""
    try:
        return resolve_fleet(found)
    except ConfigurationError as error:
        return frozenset(map(str, error.problems))


def reordered(found: FleetDocuments, order: st.DataObject) -> FleetDocuments:
    shuffled = order.draw(st.permutations(found.projects))
    return FleetDocuments(**{**vars(found), "projects": shuffled})


@settings(max_examples=60, deadline=None)
@given(st.lists(projects, max_size=4), st.sampled_from([{}, CIRCLE]), st.data())
def test_a_fleet_resolves_or_lists_its_offenders_in_any_order(
    contents: list[dict[str, Any]], archetypes: dict[str, Any], data: st.DataObject
) -> None:
    found = documents([{"name": "environments"}, *contents], **archetypes)
    result = resolve(found)
    assert result == resolve(reordered(found, data))
    if not isinstance(result, Fleet):
        assert result, "a refusal says why"
        assert all("rule:" in problem and "remedy:" in problem for problem in result)


@settings(max_examples=40, deadline=None)
@given(st.lists(projects, max_size=3))
def test_a_resolved_project_resolves_to_itself(contents: list[dict[str, Any]]) -> None:
    fleet = resolve(documents([{"name": "environments"}, *contents]))
    if isinstance(fleet, Fleet):
        for spec in fleet.projects.values():
            written = json.loads(spec.model_dump_json(by_alias=True))
            assert validate(GitLabProjectSpec, written, "test") == spec


def test_a_good_fleet_is_found_among_the_generated_ones() -> None:
    fleet = resolve(documents([{"name": "environments", "archetype": "application"}]))
    assert isinstance(fleet, Fleet)
    assert fleet.projects["environments"].runner_tags == ("containers",)


def refusals(*contents: dict[str, Any]) -> frozenset[str]:
    found = resolve(documents([{"name": "environments"}, *contents]))
    assert not isinstance(found, Fleet)
    return found


@pytest.mark.parametrize(
    ("project", "where", "sentence"),
    [
        ({"group": "elsewhere"}, "projects/elsewhere/portal.yaml, group", "a subgroup of group.yaml: teams, teams/one"),
        ({"boards": {"Flow": {"lists": ["x"]}}}, "boards.Flow.lists", "a label of the project or of the group: bug"),
        (
            {"approvals": {"Two": {"approvals": 2, "users": ["ada"]}}},
            "approvals.Two.users",
            "an approver is a member of the project or the group",
        ),
        ({"jobTokens": {"projects": ["x"]}}, "jobTokens.projects", "a project of the fleet: environments, portal"),
        ({"jobTokens": {"groups": ["x"]}}, "jobTokens.groups", "a subgroup of group.yaml"),
        ({"runnerTags": ["hpc"]}, "runnerTags", "a runner that takes the project's jobs: containers"),
        ({"template": {"folder": "x"}}, "template.folder", "a folder of pipelines/ with a template: default"),
        ({"variables": {"BOT": {"token": "portal/bot"}}}, "variables.BOT.token", "there is none"),
        ({"formerly": ["environments"]}, "formerly", "this one belongs to the project environments itself"),
    ],
)
def test_a_name_that_is_nobodys_is_refused_with_the_names_that_are(
    project: dict[str, Any], where: str, sentence: str
) -> None:
    (found,) = refusals({"name": "portal", **project})
    assert where in found
    assert sentence in found


def test_a_former_path_belongs_to_one_project() -> None:
    (found,) = refusals({"name": "portal", "formerly": ["old"]}, {"name": "tools", "formerly": ["old"]})
    assert "this one belongs to the project portal" in found


def test_a_project_and_a_subgroup_cannot_share_an_address() -> None:
    (found,) = refusals({"name": "teams"})
    assert "cannot have the same address" in found


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [
        ("runners", {"x": {"description": "X.", "tags": ["x"], "package": {}, "group": "nowhere"}}, "x.group"),
        ("runners", {"x": {"description": "X.", "tags": ["x"], "package": {}, "project": "nowhere"}}, "x.project"),
        ("runners", {"x": 5}, "a mapping of names to values"),
        ("agents", {"project": "nowhere", "environments": {}}, "agents.yaml, project"),
        (
            "agents",
            {"project": "environments", "environments": {"dev": {"name": "dev", "ciAccess": [{"project": "x"}]}}},
            "environments.dev.ciAccess",
        ),
        (
            "agents",
            {"project": "environments", "environments": {"dev": {"name": "dev", "userAccess": {"groups": ["x"]}}}},
            "environments.dev.userAccess.groups",
        ),
        ("agents", {"project": "environments", "environments": {"test": {"name": "t"}}}, "'dev', 'preview' or 'prod'"),
    ],
)
def test_runners_and_agents_name_what_is_there(kind: str, content: dict[str, Any], sentence: str) -> None:
    document = Document(where=f"stacks/{kind}.yaml", name=kind, content=content)
    found = resolve(FleetDocuments(**{**vars(documents([{"name": "environments"}])), kind: document}))
    assert not isinstance(found, Fleet)
    assert any(sentence in problem for problem in found), found


def test_the_fleet_in_git_uses_every_part_of_the_model() -> None:
    fleet = load_fleet()
    assert len(fleet.projects) >= 16
    used = {
        name
        for spec in fleet.projects.values()
        for name in GitLabProjectSpec.model_fields
        if getattr(spec, name) != getattr(GitLabProjectSpec(name="any"), name)
    }
    # A site's own people, machines and receivers, and what only a history has.
    of_a_site = {"members", "shared_with", "deploy_keys", "deploy_tokens", "hooks", "adopt", "formerly"}
    good_defaults = {
        "visibility",
        "merge_method",
        "protected_tags",
        "ci_config",
        "merge_needs_resolved_discussions",
        "remove_source_branch",
    }
    assert GitLabProjectSpec.model_fields.keys() - used == of_a_site | good_defaults
