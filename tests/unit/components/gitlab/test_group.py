from __future__ import annotations

from collections.abc import Callable

import pulumi
import pytest
from pydantic import ValidationError

from components.gitlab.group import GitLabGroup, GitLabGroupArgs
from components.gitlab.group_spec import GitLabGroupSpec, SubgroupSpec
from components.gitlab.parts import Directory
from components.gitlab.specs import BoardSpec, LabelSpec
from components.invariants import InvariantError
from components.vocabulary import Role, Visibility
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]
LABELS = {"bug": LabelSpec(color="#d9534f"), "in progress": LabelSpec(color="#f0ad4e")}


def group(spec: GitLabGroupSpec) -> Callable[[], object]:
    return lambda: GitLabGroup("forge", GitLabGroupArgs(spec=spec, path="bighpc"))


def test_the_board_shows_the_lists_in_the_order_of_the_data(build: Build) -> None:
    done = build(group(GitLabGroupSpec(labels=LABELS, boards={"Flow": BoardSpec(lists=("in progress", "bug"))})))
    order = [resource.name for resource in done.resources]
    numbers = {name: order.index(name) + 1 for name in order}
    lists = done.named("forge-board-Flow").inputs["lists"]
    assert [(each["labelId"], each["position"]) for each in lists] == [
        (numbers["forge-label-in progress"], 0),
        (numbers["forge-label-bug"], 1),
    ]


def test_a_group_without_a_board_gets_none(build: Build) -> None:
    done = build(group(GitLabGroupSpec(labels=LABELS)))
    assert done.of("gitlab:index/groupIssueBoard:GroupIssueBoard") == []


def test_a_public_group_is_refused_before_it_is_declared(recorder: Recorder) -> None:
    with pytest.raises(InvariantError, match="'public'"):
        group(GitLabGroupSpec(visibility=Visibility.PUBLIC))()
    assert recorder.of("gitlab:index/group:Group") == []


def test_subgroups_are_made_inside_each_other(build: Build) -> None:
    subgroups = {"ci-cd/pipeline-templates": SubgroupSpec(title="Templates"), "ci-cd": SubgroupSpec()}
    done = build(group(GitLabGroupSpec(subgroups=subgroups)))
    order = [resource.name for resource in done.resources]
    numbers = {name: order.index(name) + 1 for name in order}
    outer, inner = done.named("forge-group-ci-cd").inputs, done.named("forge-group-ci-cd/pipeline-templates").inputs
    assert (outer["path"], outer["parentId"]) == ("ci-cd", numbers["forge-group"])
    assert (inner["path"], inner["parentId"]) == ("pipeline-templates", numbers["forge-group-ci-cd"])
    assert inner["name"] == "Templates"
    assert inner["visibilityLevel"] == "private", "no more visible than the group"


def test_without_a_licence_the_first_board_stays_and_the_others_are_named(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, resource=None: said.append(text))
    boards = {title: BoardSpec(lists=("bug",)) for title in ("Flow", "Bugs")}
    done = build(group(GitLabGroupSpec(labels=LABELS, boards=boards)))
    assert [board.inputs["name"] for board in done.of("gitlab:index/groupIssueBoard:GroupIssueBoard")] == ["Flow"]
    assert said == [
        "group bighpc asks for more than one board of a group, which GitLab has from premium on; "
        "this instance is free: left out"
    ]


def test_members_shares_tokens_and_variables_belong_to_the_group(build: Build) -> None:
    spec = GitLabGroupSpec.model_validate(
        {
            "members": {"ada": {"role": Role.OWNER}},
            "sharedWith": {"partners": {"role": Role.REPORTER}},
            "accessTokens": {"bot": {"role": Role.DEVELOPER, "scopes": ("api",), "lifetimeDays": 90}},
            "deployTokens": {"sites": {"scopes": ("read_registry",), "username": "sites"}},
            "variables": {"MIRROR": {"value": "https://mirror.example"}, "BOT_TOKEN": {"token": "bot"}},
            "badges": {"docs": {"image": "https://x.example/a.svg", "link": "/-/issues"}},
        }
    )
    directory = Directory(users={"ada": 5}, groups={"partners": 6}, tokens={"bot": "glpat-x"})
    args = GitLabGroupArgs(spec=spec, path="bighpc", directory=directory)
    done = build(lambda: GitLabGroup("forge", args))
    assert done.named("forge-member-ada").inputs["accessLevel"] == "owner"
    assert done.named("forge-share-partners").inputs["shareGroupId"] == 6
    rotation = done.named("forge-access-token-bot").inputs["rotationConfiguration"]
    assert rotation == {"expirationDays": 90, "rotateBeforeDays": 60}
    assert done.named("forge-deploy-token-sites").inputs["username"] == "sites"
    open_, closed = done.named("forge-variable-MIRROR").inputs, done.named("forge-variable-BOT_TOKEN").inputs
    assert (open_["value"], open_["masked"]) == ("https://mirror.example", False)
    assert (closed["value"]["value"], closed["masked"]) == ("glpat-x", True)
    assert done.named("forge-badge-docs").inputs["linkUrl"] == "http://gitlab.example/bighpc/-/issues"


def test_a_subgroup_without_its_own_group_is_refused() -> None:
    with pytest.raises(ValidationError, match="ci-cd is not"):
        GitLabGroupSpec(subgroups={"ci-cd/agents": SubgroupSpec()})
