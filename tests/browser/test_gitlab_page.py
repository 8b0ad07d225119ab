"""The double's page in a real browser."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser
from tests.contract.gitlab.page_scene import Scene

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/explore",
    "/nowhere/at/all",
    "/{group}",
    "/{project}",
    "/{project}/-/tree/main/src",
    "/{project}/-/blob/main/src/quota.py",
    "/{project}/-/commits/main",
    "/{project}/-/commit/{sha}",
    "/{project}/-/branches",
    "/{project}/-/tags",
    "/{project}/-/compare/main...feature%2Fquota",
    "/{project}/-/issues",
    "/{project}/-/issues/1",
    "/{project}/-/merge_requests",
    "/{project}/-/merge_requests/{merge_request}",
    "/{project}/-/merge_requests/{merge_request}/diffs",
    "/{project}/-/pipelines",
    "/{project}/-/pipelines/{pipeline}",
    "/{project}/-/jobs/{ended}",
    "/{project}/-/jobs/{running}",
    "/{project}/-/environments",
    "/{project}/-/environments/{environment}",
    "/{project}/-/releases",
    "/{project}/-/runners",
    "/{project}/-/cluster_agents",
    "/{project}/-/hooks",
    "/{project}/-/hooks/{hook}",
)


@pytest.fixture(scope="module")
def pages(scene: Scene) -> list[str]:
    """The addresses of all kinds of pages."""
    values = {
        "group": scene.path.partition("/")[0],
        "project": scene.path,
        "sha": scene.project.commits.list(get_all=False)[0].id,
        "merge_request": scene.merge_request,
        "pipeline": scene.pipeline,
        "ended": scene.jobs["unit-test-job"],
        "running": scene.jobs["integration-test-job"],
        "environment": scene.project.environments.list(get_all=False)[0].id,
        "hook": scene.hook,
    }
    return [page.format(**values) for page in PAGES]


def test_one_signs_in_with_the_keyboard_alone(browser: Browser, scene: Scene) -> None:
    browser.open("/users/sign_in")
    browser.press(scene.double.bot_token, Keys.ENTER)
    browser.wait(lambda: browser.path == "/", "the front page")
    assert "Hello, BigHPC bot" in browser.text


def test_a_wrong_token_is_explained_beside_the_field(browser: Browser) -> None:
    browser.open("/users/sign_in")
    browser.press("glpat-wrong", Keys.ENTER)
    browser.wait(lambda: browser.all("[role=alert]"), "the explanation")
    field = browser.find("#token")
    assert "problem" in (field.get_attribute("aria-describedby") or "").split()
    assert field == browser.focused


def test_the_first_stop_of_the_keyboard_leads_past_the_frame(member: Browser, scene: Scene) -> None:
    member.open(f"/{scene.path}")
    member.press(Keys.TAB)
    assert (member.focused.text, member.focused.is_displayed()) == ("Skip to content", True)
    member.press(Keys.ENTER)
    assert member.focused == member.find("main")


def test_one_walks_to_a_log_with_the_keyboard_alone(member: Browser, scene: Scene) -> None:
    pipeline, job = f"/{scene.path}/-/pipelines/{scene.pipeline}", f"/{scene.path}/-/jobs/{scene.jobs['build-job']}"
    for target in (pipeline, job):
        member.tab_to(target)
        assert member.focused.value_of_css_property("outline-style") == "solid", "one sees where the focus is"
        member.press(Keys.ENTER)
        member.wait(lambda target=target: member.path == target, target)  # type: ignore[misc] # bound now, not later
    assert "20 passed" in member.find("#log").text


def test_sections_of_a_log_are_folded_with_the_keyboard(member: Browser, scene: Scene) -> None:
    member.open(f"/{scene.path}/-/jobs/{scene.jobs['build-job']}")
    section = member.find("#log details:not([open])")
    assert "Created fresh repository" not in member.find("#log").text
    section.find_element("css selector", "summary").send_keys(Keys.ENTER)
    assert "Created fresh repository" in member.find("#log").text


def test_a_log_grows_while_one_looks_and_says_when_it_ends(member: Browser, scene: Scene) -> None:
    job = "functional-test-job"
    with scene.running(job):
        member.open(f"/{scene.path}/-/jobs/{scene.jobs[job]}")
        assert "Waiting for the first line" in member.text
        scene.append(job, "first\nsection_start:1764034000:step\r\x1b[0K\x1b[1mStep\x1b[0m\n")
        member.wait(lambda: "Step" in member.find("#log").text, "the first lines")
        scene.append(job, "inside\n")
        member.wait(lambda: "inside" in member.find("#log details").text, "a line inside its section")
        scene.append(job, "section_end:1764034007:step\r\x1b[0K<i>last</i>\n")
        member.wait(lambda: "<i>last</i>" in member.find("#log").text, "the last line, with its text as it is")
        assert member.find("#log .took").text == "00:07"
        assert "Waiting for the first line" not in member.text
        assert len(member.all("#log .line")) == 4, "no line comes twice"
        scene.finish(job)
        member.wait(lambda: "The job has ended" in member.find("#log-state").text, "the end")
        member.wait(lambda: "Passed" in member.find("#job-facts").text, "the status")


def test_a_pipeline_follows_its_jobs_and_the_focus_stays(member: Browser, scene: Scene) -> None:
    job = "security-prev-job"
    with scene.running(job):
        member.open(f"/{scene.path}/-/pipelines/{scene.pipeline}")
        target = f"/{scene.path}/-/jobs/{scene.jobs[job]}"
        member.tab_to(target)
        scene.finish(job)
        member.wait(lambda: member.all(f".job.success[href='{target}']"), "the job's new look")
        assert member.focused_link == target


def test_without_scripts_there_is_everything_and_pages_refresh(member: Browser, scene: Scene) -> None:
    member.script_off(True)
    member.open(f"/{scene.path}/-/jobs/{scene.jobs['integration-test-job']}")
    source = member.driver.page_source
    assert "20 passed" in source
    assert 'http-equiv="refresh"' in source


@dataclass
class Observed:
    """What was seen on one page."""

    complaints: list[str]
    weak: list[str]
    nameless: list[str]
    ranks: list[int]
    width: int


@pytest.fixture(scope="module")
def observed(shared_browser: Browser, scene: Scene, pages: list[str]) -> dict[tuple[str, str], Observed]:
    """All pages, by day on a desk and by night on a phone."""
    shared_browser.forget()
    shared_browser.sign_in(scene.double.bot_token)
    found = {}
    for width, scheme in ((1280, "light"), (390, "dark")):
        shared_browser.look(width, scheme)
        for page in pages:
            shared_browser.open(page)
            notes = shared_browser.noted("browser")
            found[page, scheme] = Observed(
                complaints=[note["message"] for note in notes if note["level"] in ("SEVERE", "WARNING")],
                weak=shared_browser.weak_contrasts(),
                nameless=shared_browser.nameless(),
                ranks=[int(each.tag_name[1]) for each in shared_browser.all("h1, h2, h3, h4, h5, h6")],
                width=shared_browser.ask("return document.documentElement.scrollWidth"),
            )
    return found


def test_no_page_complains(observed: dict[tuple[str, str], Observed]) -> None:
    complaints = {key: page.complaints for key, page in observed.items() if page.complaints}
    missing = {key: found for key, found in complaints.items() if key[0] == "/nowhere/at/all"}
    assert all("404" in message for found in missing.values() for message in found)
    assert complaints == missing


def test_no_page_asks_anybody_else(member: Browser, scene: Scene) -> None:
    for page in (f"/{scene.path}", f"/{scene.path}/-/merge_requests/{scene.merge_request}"):
        member.open(page)
    requested = member.requested()
    assert f"{member.url}/{scene.path}" in requested
    assert [url for url in requested if not url.startswith((f"{member.url}/", "data:"))] == []


def test_every_text_can_be_read_by_day_and_by_night(observed: dict[tuple[str, str], Observed]) -> None:
    assert {key: page.weak for key, page in observed.items() if page.weak} == {}


def test_everything_to_use_has_a_name(observed: dict[tuple[str, str], Observed]) -> None:
    assert {key: page.nameless for key, page in observed.items() if page.nameless} == {}


def test_headings_are_an_outline(observed: dict[tuple[str, str], Observed]) -> None:
    for key, page in observed.items():
        assert page.ranks.count(1) == 1, key
        assert [pair for pair in pairwise(page.ranks) if pair[1] > pair[0] + 1] == [], key


def test_nothing_is_wider_than_a_phone(observed: dict[tuple[str, str], Observed]) -> None:
    assert [key for key, page in observed.items() if key[1] == "dark" and page.width > 390] == []


def test_night_is_dark(member: Browser) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        member.look(1280, scheme)
        member.open("/")
        grounds[scheme] = member.ask("return getComputedStyle(document.documentElement).backgroundColor")
    assert grounds == {"light": "rgb(245, 246, 251)", "dark": "rgb(14, 17, 29)"}
