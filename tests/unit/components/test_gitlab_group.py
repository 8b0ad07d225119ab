from __future__ import annotations

from collections.abc import Callable

import pytest

from components.gitlab_group import BoardSpec, GitLabGroup, GitLabGroupArgs, GitLabGroupSpec, LabelSpec
from components.invariants import InvariantError
from components.vocabulary import Visibility
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]
LABELS = {"bug": LabelSpec(color="#d9534f"), "in progress": LabelSpec(color="#f0ad4e")}


def group(spec: GitLabGroupSpec) -> Callable[[], object]:
    return lambda: GitLabGroup("forge", GitLabGroupArgs(spec=spec, path="bighpc"))


def test_the_board_shows_the_lists_in_the_order_of_the_data(build: Build) -> None:
    done = build(group(GitLabGroupSpec(labels=LABELS, board=BoardSpec(lists=("in progress", "bug")))))
    order = [resource.name for resource in done.resources]
    numbers = {name: order.index(name) + 1 for name in order}
    lists = done.named("forge-board").inputs["lists"]
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
