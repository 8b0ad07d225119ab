"""What the pages show, and where they are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from testbed.gitlab.pipelines.files import trace_file
from tests.contract.gitlab.page_scene import LOG, Scene, make_scene
from tests.contract.gitlab.page_visitor import Visitor, words
from tests.contract.gitlab.support import Double, fresh


@pytest.fixture(scope="module")
def scene(double: Double) -> Scene:
    return make_scene(double)


@pytest.fixture(scope="module")
def owner(double: Double) -> Iterator[Visitor]:
    """Somebody who may do everything in the scene."""
    made = Visitor(double.url)
    assert made.sign_in(double.bot_token).ok
    yield made
    made.session.close()


def test_the_page_says_that_it_is_no_gitlab(owner: Visitor, scene: Scene) -> None:
    for path in ("/", f"/{scene.path}", "/users/sign_in", "/nowhere/at/all"):
        assert "GitLab double, not GitLab" in owner.get(path).text


def test_addresses_that_the_api_gives_are_found(owner: Visitor, scene: Scene) -> None:
    project = scene.project
    addresses = [
        project.web_url,
        project.manager.gitlab.groups.get(project.namespace["id"]).web_url,
        project.branches.get("feature/quota").web_url,
        project.commits.list(get_all=False)[0].web_url,
        project.mergerequests.get(scene.merge_request).web_url,
        project.issues.list(get_all=False)[0].web_url,
        f"{project.web_url}/-/compare/main...feature/quota",
        project.pipelines.get(scene.pipeline).web_url,
        project.jobs.get(scene.jobs["build-job"]).web_url,
        f"{project.web_url}/-/tags/v1.0.0",
        f"{project.web_url}/-/releases/v1.0.0",
    ]
    for address in addresses:
        assert owner.get(address.removeprefix(owner.url)).ok, address


def test_the_readme_is_shown_with_links_into_the_repository(owner: Visitor, scene: Scene) -> None:
    page = owner.get(f"/{scene.path}").text
    assert f'href="/{scene.path}/-/blob/main/src/quota.py"' in page
    assert "<th>File system</th>" in page
    assert owner.get(f"/{scene.path}/-/blob/main/src/quota.py").ok


def test_branches_with_slashes_have_files(owner: Visitor, scene: Scene) -> None:
    page = owner.get(f"/{scene.path}/-/blob/feature/quota/src/quota.py")
    assert "archive" in page.text
    assert "archive" not in owner.get(f"/{scene.path}/-/blob/main/src/quota.py").text


def test_a_directory_asked_for_as_a_file_is_shown_as_what_it_is(owner: Visitor, scene: Scene) -> None:
    assert owner.get(f"/{scene.path}/-/blob/main/src").url.endswith("/-/tree/main/src")
    assert owner.get(f"/{scene.path}/-/tree/main/src/quota.py").url.endswith("/-/blob/main/src/quota.py")
    assert owner.get(f"/{scene.path}/-/tree/main/nothing").status_code == 404
    assert owner.get(f"/{scene.path}/-/tree/nothing").status_code == 404


def test_a_group_address_with_groups_before_it_leads_to_the_group(owner: Visitor, scene: Scene) -> None:
    group = scene.path.partition("/")[0]
    assert owner.get(f"/groups/{group}").url == f"{owner.url}/{group}"


def test_a_merge_request_shows_what_is_needed_to_decide(owner: Visitor, scene: Scene) -> None:
    html = owner.get(f"/{scene.path}/-/merge_requests/{scene.merge_request}").text
    text = words(html)
    assert "The archive had none ." in text
    assert "Tests 2 tests, 1 failed, 0 skipped" in text
    assert "40 is not 50" in text
    assert "Plan 3 to add, 1 to change, 0 to delete" in text
    assert "Code quality 0 findings" in text
    assert "<summary>Preview of stack dev</summary>" in html
    assert 'fill="#1f75cb"' in html


def test_changes_are_shown_line_by_line(owner: Visitor, scene: Scene) -> None:
    text = words(owner.get(f"/{scene.path}/-/merge_requests/{scene.merge_request}/diffs").text)
    assert "1 file changed, +1" in text
    assert "added: LIMITS = {&#34;scratch&#34;: 20" in text


def test_a_pipeline_shows_stages_needs_and_reasons(owner: Visitor, scene: Scene) -> None:
    html = owner.get(f"/{scene.path}/-/pipelines/{scene.pipeline}").text
    assert re.findall(r'<h3 id="stage-\d" title="(\w+)"', html) == ["build", "development", "preview", "production"]
    (lines,) = re.findall(r'<svg class="lines".*?</svg>', html)
    assert lines.count("<path") == 8, "a line for each need"
    assert "The script failed." in html
    assert "Failed (allowed)" in words(html)


def test_a_configuration_that_is_not_valid_is_explained(owner: Visitor, scene: Scene) -> None:
    with scene.double.forge.database.write() as session:
        row = session.get_one(store.Pipeline, scene.pipeline)
        broken = store.Pipeline(
            project_id=row.project_id,
            iid=2,
            sha=row.sha,
            before_sha=row.before_sha,
            ref="feature/quota",
            source="push",
            status="failed",
            compiled=True,
            yaml_errors="jobs:unit config <should> have a script",
            user_id=row.user_id,
        )
        session.add(broken)
        session.flush()
        number = broken.id
    html = owner.get(f"/{scene.path}/-/pipelines/{number}").text
    assert "jobs:unit config &lt;should&gt; have a script" in html


def test_a_log_is_continued_where_the_page_ended(owner: Visitor, scene: Scene) -> None:
    path = f"/{scene.path}/-/jobs/{scene.jobs['integration-test-job']}"
    html = owner.get(path).text
    have = re.search(r'data-have="(\d+)" data-begin="(\d+)"', html)
    assert have is not None
    assert "&lt;b&gt;20 passed&lt;/b&gt;" in html
    source = f"{path}/trace.json"
    assert owner.get(source, have=have[1], begin=have[2]).json()["pieces"] == []
    scene.append("integration-test-job", "one more line\nand a half")
    news = owner.get(source, have=have[1], begin=have[2]).json()
    assert (news["live"], news["again"]) == (True, False)
    (piece,) = news["pieces"]
    assert "one more line" in piece["html"]
    assert f'id="{piece["into"]}"' in html
    nothing = {"again": False, "have": news["have"], "seen": news["seen"], "live": True, "pieces": []}
    for seen in ("0", str(news["seen"])):
        assert owner.get(source, have=str(news["have"]), begin="0", seen=seen).json() == nothing


def test_a_log_that_began_anew_is_loaded_anew(owner: Visitor, scene: Scene) -> None:
    path = f"/{scene.path}/-/jobs/{scene.jobs['unit-test-job']}/trace.json"
    assert owner.get(path, have="999", begin="0").json()["again"] is True
    assert owner.get(path, have="1", begin="77").json()["again"] is True


def test_of_a_long_log_the_end_is_shown(owner: Visitor, scene: Scene) -> None:
    with scene.double.forge.database.read() as session:
        file = trace_file(scene.double.forge.settings, session.get_one(store.Job, scene.jobs["build-job"]))
    before = file.read_bytes()
    file.write_bytes(b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 30_000 + b"the end\n")
    try:
        html = owner.get(f"/{scene.path}/-/jobs/{scene.jobs['build-job']}").text
    finally:
        file.write_bytes(before)
    assert "The beginning is left out" in html
    assert 'id="L30002">30002</a><span>the end</span>' in html
    assert "xxxx" not in html


def test_the_raw_log_is_as_it_came(owner: Visitor, scene: Scene) -> None:
    answer = owner.get(f"/{scene.path}/-/jobs/{scene.jobs['unit-test-job']}/raw")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(LOG)


def test_artifacts_are_kept_as_files(owner: Visitor, scene: Scene) -> None:
    path = f"/{scene.path}/-/jobs/{scene.jobs['unit-test-job']}/artifacts/download"
    answer = owner.get(path, file_type="junit")
    assert "attachment" in answer.headers["content-disposition"]
    assert "test_limit" in answer.text
    assert owner.get(path, file_type="trace").status_code == 404
    assert owner.get(path, file_type="archive").status_code == 404


def test_projects_are_found_by_words(owner: Visitor, scene: Scene) -> None:
    group = scene.path.partition("/")[0]
    assert scene.path in owner.get("/explore", name=f"QUOTAS {group}").text
    assert "No project found" in owner.get("/explore", name="quota% _").text


def test_a_long_list_has_pages(owner: Visitor, scene: Scene) -> None:
    with scene.double.forge.database.write() as session:
        row = session.get_one(store.Pipeline, scene.pipeline)
        for number in range(40):
            session.add(
                store.Pipeline(
                    project_id=row.project_id,
                    iid=100 + number,
                    sha=row.sha,
                    before_sha=row.before_sha,
                    ref="elsewhere",
                    source="api",
                    status="skipped",
                    compiled=True,
                    user_id=row.user_id,
                )
            )
    first = owner.get(f"/{scene.path}/-/pipelines", ref="elsewhere").text
    assert first.count('class="status skipped"') == 25
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert following == "?ref=elsewhere&amp;page=2"
    assert owner.get(f"/{scene.path}/-/pipelines", ref="elsewhere", page="2").text.count('"status skipped"') == 15


def test_the_front_page_asks_the_database_little(owner: Visitor, scene: Scene) -> None:
    asked: list[str] = []
    with scene.double.forge.database.read() as session:
        engine = session.get_bind()

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    questions: list[int] = []
    event.listen(engine, "before_cursor_execute", count)
    try:
        for _ in range(5):
            asked.clear()
            assert owner.get("/").ok
            questions.append(len([each for each in asked if each.startswith("SELECT")]))
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert min(questions) <= 30, "what runs beside the pages asks too, at times of its own"


def test_runners_are_shown_as_online_when_they_were_heard_lately(owner: Visitor, scene: Scene) -> None:
    name = fresh("runner")
    with scene.double.forge.database.write() as session:
        for suffix, heard in (("new", None), ("here", now()), ("gone", now() - timedelta(hours=3))):
            session.add(
                store.Runner(
                    runner_type="project_type",
                    project_id=scene.project.id,
                    digest=f"{name}-{suffix}",
                    description=f"{name}-{suffix}",
                    contacted_at=heard,
                )
            )
    text = words(owner.get(f"/{scene.path}/-/runners").text)
    for suffix, state in (("new", "Never contacted"), ("here", "Online"), ("gone", "Offline")):
        assert f"{state} {name}-{suffix}" in text


def test_deliveries_are_shown_without_the_values_of_variables(owner: Visitor, scene: Scene) -> None:
    with scene.double.forge.database.write() as session:
        session.add(
            store.Delivery(
                hook_id=scene.hook,
                trigger="pipeline_events",
                event_uuid="u",
                idempotency_key="i",
                payload={"object_attributes": {"id": 7, "variables": [{"key": "K", "value": "hush-hush"}]}},
                response_status="200",
                due_at=None,
            )
        )
    text = owner.get(f"/{scene.path}/-/hooks/{scene.hook}").text
    assert "&#34;key&#34;: &#34;K&#34;" in text
    assert "hush-hush" not in text


def test_every_page_has_one_heading_of_the_first_rank_and_the_landmarks(owner: Visitor, scene: Scene) -> None:
    pages = owner.crawl(f"/{scene.path}", 25)
    for path, page in pages.items():
        if "html" in page.headers["content-type"]:
            assert page.text.count("<h1") == 1, path
            assert all(mark in page.text for mark in ('<main id="main"', "<header", "<nav", 'class="skip"')), path
            identifiers = re.findall(r'\sid="([^"]+)"', page.text)
            assert len(identifiers) == len(set(identifiers)), path
