"""Pages, their headers, and keyset pagination."""

from __future__ import annotations

import gitlab
import pytest
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import fresh, refused

NAMES = [f"label-{number:02}" for number in range(45)]


@pytest.fixture(scope="module")
def labelled(bot: gitlab.Gitlab) -> Project:
    """A project with 45 labels."""
    made = bot.projects.create({"name": fresh("labelled")})
    assert isinstance(made, Project)
    for name in NAMES:
        made.labels.create({"name": name, "color": "#fff"})
    return made


def test_every_page_says_where_it_is(bot: gitlab.Gitlab, labelled: Project) -> None:
    answer = bot.http_request("get", f"/projects/{labelled.id}/labels", query_data={"page": 2, "per_page": 20})
    assert [each["name"] for each in answer.json()] == NAMES[20:40]
    expected = {"Total": "45", "Total-Pages": "3", "Page": "2", "Per-Page": "20", "Next-Page": "3", "Prev-Page": "1"}
    assert {name: answer.headers[f"X-{name}"] for name in expected} == expected
    assert set(answer.links) == {"prev", "next", "first", "last"}
    assert "page=3" in answer.links["next"]["url"]


def test_the_client_walks_all_pages(labelled: Project) -> None:
    assert [each.name for each in labelled.labels.list(iterator=True)] == NAMES
    assert [each.name for each in labelled.labels.list(get_all=True, per_page=7)] == NAMES
    assert len(labelled.labels.list(page=3, per_page=20)) == 5
    lazy = labelled.labels.list(iterator=True, per_page=10)
    assert (lazy.total, lazy.total_pages, lazy.next_page) == (45, 5, 2)


def test_a_page_past_the_end_is_empty(bot: gitlab.Gitlab, shared: Project) -> None:
    answer = bot.http_request("get", f"/projects/{shared.id}/labels", query_data={"page": 9})
    assert answer.json() == []
    assert (answer.headers["X-Total"], answer.headers["X-Next-Page"]) == ("0", "")


def test_pages_hold_at_most_a_hundred(bot: gitlab.Gitlab, shared: Project) -> None:
    answer = bot.http_request("get", f"/projects/{shared.id}/labels", query_data={"per_page": 1000})
    assert answer.headers["X-Per-Page"] == "100"


@pytest.mark.parametrize(("name", "value"), [("page", "0"), ("per_page", "0"), ("page", "one")])
def test_a_page_that_cannot_be_is_refused(bot: gitlab.Gitlab, name: str, value: str) -> None:
    with refused(400):
        bot.http_list("/projects", query_data={name: value})


def test_keyset_pagination_follows_the_link_header(bot: gitlab.Gitlab, labelled: Project) -> None:
    found = labelled.labels.list(get_all=True, pagination="keyset", order_by="id", sort="asc", per_page=10)
    assert [each.name for each in found] == NAMES
    answer = bot.http_request(
        "get", f"/projects/{labelled.id}/labels", query_data={"pagination": "keyset", "per_page": 10}
    )
    assert "X-Total" not in answer.headers
    assert set(answer.links) == {"next"}


def test_keyset_pagination_wants_an_order_by_number(bot: gitlab.Gitlab) -> None:
    with refused(405):
        bot.http_list("/projects", query_data={"pagination": "keyset", "order_by": "name"})
    with refused(400):
        bot.http_list("/projects", query_data={"pagination": "keyset", "cursor": "nonsense"})


def test_lists_from_the_repository_have_pages_too(project: Project) -> None:
    for _ in range(3):
        project.branches.create({"branch": fresh("b"), "ref": "main"})
    lazy = project.branches.list(iterator=True, per_page=2)
    assert (lazy.total, len(list(lazy))) == (4, 4)
