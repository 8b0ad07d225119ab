"""Who may see and do what on the page, and what browsers are told."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager

import gitlab
import pytest

from testbed.gitlab import store
from testbed.gitlab.core.levels import Visibility
from tests.contract.gitlab.page_scene import CANARY, Scene, make_scene
from tests.contract.gitlab.page_visitor import Visitor, active_parts
from tests.contract.gitlab.support import Double, Person, make_person


@pytest.fixture(scope="module")
def scene(double: Double) -> Scene:
    return make_scene(double)


@pytest.fixture
def visitor(double: Double) -> Iterator[Visitor]:
    """Nobody yet."""
    made = Visitor(double.url)
    yield made
    made.session.close()


@pytest.fixture
def member(visitor: Visitor, double: Double) -> Visitor:
    """The owner of the scene, signed in."""
    assert visitor.sign_in(double.bot_token).ok
    return visitor


def role(scene: Scene, person: Person, level: int) -> None:
    """Make somebody a member of the scene's project."""
    scene.project.members.create({"user_id": person.id, "access_level": level})


@contextmanager
def visible_to_all(scene: Scene) -> Iterator[None]:
    """Open the project, though its group is closed."""
    for visibility in (Visibility.PUBLIC, Visibility.PRIVATE):
        with scene.double.forge.database.write() as session:
            session.get_one(store.Project, scene.project.id).visibility = visibility
        if visibility is Visibility.PUBLIC:
            yield


def test_what_is_private_is_not_there_for_others(visitor: Visitor, scene: Scene, person: Person) -> None:
    group = scene.path.partition("/")[0]
    paths = [f"/{scene.path}", f"/{group}", f"/{scene.path}/-/jobs/{scene.jobs['build-job']}", f"/{scene.path}/-/hooks"]
    nowhere = visitor.get("/nowhere/at/all")
    for path in paths:
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert answer.text.replace(path, "") == nowhere.text.replace("/nowhere/at/all", "")
    visitor.sign_in(person.token)
    assert [visitor.get(path).status_code for path in paths] == [404] * len(paths)
    for page in ("/", "/explore?name=storage"):
        assert scene.path not in visitor.get(page).text


def test_signing_in_leads_to_where_one_wanted_to_go(visitor: Visitor, double: Double, scene: Scene) -> None:
    answer = visitor.sign_in(double.bot_token, return_to=f"/{scene.path}")
    assert answer.url == f"{double.url}/{scene.path}"
    assert "storage-manager" in answer.text


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\r\nX: y"])
def test_signing_in_leads_nowhere_else(visitor: Visitor, double: Double, target: str) -> None:
    assert visitor.sign_in(double.bot_token, return_to=target).url == f"{double.url}/"


def test_a_token_that_is_wrong_or_of_the_wrong_kind_is_refused(
    visitor: Visitor, double: Double, root: gitlab.Gitlab, scene: Scene
) -> None:
    writer = make_person(double, root, ("write_repository",))
    deploy = scene.project.deploytokens.create({"name": "d", "scopes": ["read_repository"]}).token
    reasons = {"glpat-nobody-has-this": "unknown", writer.token: "scopes", deploy: "personal access token"}
    for token, reason in reasons.items():
        answer = visitor.sign_in(token)
        assert (answer.status_code, "Sign out" in answer.text) == (422, False)
        assert reason in answer.text
        assert token not in answer.text


def test_a_session_ends_with_its_token(visitor: Visitor, scene: Scene, root: gitlab.Gitlab, person: Person) -> None:
    role(scene, person, 20)
    visitor.sign_in(person.token)
    assert visitor.get(f"/{scene.path}").ok
    (token,) = root.personal_access_tokens.list(user_id=person.id, get_all=True)
    root.personal_access_tokens.delete(token.id)
    assert visitor.get(f"/{scene.path}").status_code == 404


def test_signing_out_ends_the_session(member: Visitor, scene: Scene) -> None:
    assert member.get(f"/{scene.path}").ok
    member.send("/users/sign_out", page="/")
    assert member.get(f"/{scene.path}").status_code == 404


def test_the_cookie_is_signed_and_out_of_reach_of_scripts(visitor: Visitor, double: Double) -> None:
    attributes = visitor.sign_in(double.bot_token).history[0].headers["set-cookie"].lower()
    name, value = next(iter(visitor.session.cookies.items()))
    assert value is not None
    assert name.endswith(double.url.rpartition(":")[2]), "testbeds on other ports have cookies of their own"
    assert "httponly" in attributes
    assert "samesite=lax" in attributes
    visitor.session.cookies.clear()
    visitor.session.cookies.set(name, "e30" + value[3:])
    assert "Sign in" in visitor.get("/").text
    key = double.data / "page.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_form_from_elsewhere_does_nothing(member: Visitor, scene: Scene) -> None:
    job = scene.jobs["integration-test-job"]
    for fields in ({}, {"csrf": "guessed"}):
        answer = member.session.post(f"{member.url}/{scene.path}/-/jobs/{job}/cancel", data=fields, timeout=20)
        assert answer.status_code == 422
    with scene.double.forge.database.read() as session:
        assert session.get_one(store.Job, job).status == "running"


def test_roles_decide_what_is_shown(visitor: Visitor, scene: Scene, person: Person) -> None:
    code, hooks = f"/{scene.path}/-/tree/main", f"/{scene.path}/-/hooks"
    agents, pipeline = f"/{scene.path}/-/cluster_agents", f"/{scene.path}/-/pipelines/{scene.pipeline}"
    expected = {10: [403, 200, 403, 403], 20: [200, 200, 403, 403], 30: [200, 200, 200, 403], 40: [200] * 4}
    role(scene, person, 10)
    visitor.sign_in(person.token)
    membership = scene.project.members.get(person.id)
    for level, statuses in expected.items():
        membership.access_level = level
        membership.save()
        assert [visitor.get(path).status_code for path in (code, pipeline, agents, hooks)] == statuses
        assert (f"/pipelines/{scene.pipeline}/cancel" in visitor.get(pipeline).text) == (level >= 30)


def test_the_front_page_tells_a_guest_no_more_than_the_project_does(
    visitor: Visitor, scene: Scene, person: Person
) -> None:
    role(scene, person, 10)
    visitor.sign_in(person.token)
    pipeline = f"/{scene.path}/-/pipelines/{scene.pipeline}"
    for shown in (True, False):
        scene.project.public_jobs = shown
        scene.project.save()
        front = visitor.get("/").text
        assert scene.path in front
        assert "/-/merge_requests/" not in front
        assert (pipeline in front) == (visitor.get(pipeline).status_code == 200) == shown
    scene.project.public_jobs = True
    scene.project.save()


def test_a_downstream_pipeline_in_a_project_that_one_cannot_see_is_not_named(
    visitor: Visitor, double: Double, scene: Scene, person: Person
) -> None:
    other = make_scene(double)
    with double.forge.database.write() as session:
        bridge = store.Job(
            pipeline_id=scene.pipeline,
            project_id=scene.project.id,
            kind="bridge",
            name="deliver",
            stage="production",
            stage_index=3,
            status="success",
            user_id=None,
            downstream_id=other.pipeline,
        )
        session.add(bridge)
        session.flush()
        path = f"/{scene.path}/-/jobs/{bridge.id}"
    role(scene, person, 30)
    visitor.sign_in(person.token)
    seen = visitor.get(path)
    assert (seen.status_code, other.path in seen.text) == (200, False)
    role(other, person, 20)
    assert other.path in visitor.get(path).text


def test_confidential_issues_are_for_members_and_whom_they_concern(
    visitor: Visitor, scene: Scene, person: Person
) -> None:
    issue = scene.project.issues.create({"title": "A hole in the fence", "confidential": True})
    role(scene, person, 10)
    visitor.sign_in(person.token)
    pages = [f"/{scene.path}/-/issues", f"/{scene.path}/-/issues/{issue.iid}"]
    assert not any("A hole in the fence" in visitor.get(page).text for page in pages)
    issue.assignee_ids = [person.id]
    issue.save()
    assert all("A hole in the fence" in visitor.get(page).text for page in pages)


def test_a_token_for_reading_shows_and_does_not_act(
    visitor: Visitor, double: Double, root: gitlab.Gitlab, scene: Scene
) -> None:
    reader = make_person(double, root, ("read_api",))
    role(scene, reader, 40)
    visitor.sign_in(reader.token)
    job = f"/{scene.path}/-/jobs/{scene.jobs['integration-test-job']}"
    assert "/cancel" not in visitor.get(job).text
    assert visitor.send(f"{job}/cancel", page="/").status_code == 403
    merge = f"/{scene.path}/-/merge_requests/{scene.merge_request}/merge"
    assert visitor.send(merge, page="/").status_code == 403


def test_a_developer_may_not_stop_what_runs_on_a_protected_branch(
    visitor: Visitor, scene: Scene, person: Person
) -> None:
    with scene.double.forge.database.write() as session:
        session.get_one(store.Pipeline, scene.pipeline).ref = "main"
    try:
        role(scene, person, 30)
        visitor.sign_in(person.token)
        answer = visitor.send(f"/{scene.path}/-/pipelines/{scene.pipeline}/cancel", page="/")
        assert answer.status_code == 403
    finally:
        with scene.double.forge.database.write() as session:
            session.get_one(store.Pipeline, scene.pipeline).ref = "feature/quota"


def test_internal_notes_are_for_members(visitor: Visitor, scene: Scene, person: Person) -> None:
    request = scene.project.mergerequests.get(scene.merge_request)
    request.notes.create({"body": "between us", "internal": True})
    role(scene, person, 10)
    membership = scene.project.members.get(person.id)
    visitor.sign_in(person.token)
    path = f"/{scene.path}/-/merge_requests/{scene.merge_request}"
    with visible_to_all(scene):
        assert "between us" not in visitor.get(path).text
        membership.access_level = 20
        membership.save()
        assert "between us" in visitor.get(path).text


def test_every_answer_tells_browsers_to_run_nothing_foreign(member: Visitor, scene: Scene) -> None:
    for path in ("/", f"/{scene.path}", "/-/assets/page.css", "/nowhere/at/all"):
        headers = member.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_files_of_users_run_nowhere(member: Visitor, scene: Scene) -> None:
    for name, content in (("a.html", "<script>1</script>"), ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")):
        scene.project.files.create(
            {"file_path": name, "branch": "feature/quota", "content": content, "commit_message": name}
        )
    page = member.get(f"/{scene.path}/-/raw/feature/quota/a.html")
    assert page.headers["content-type"].startswith("text/plain")
    image = member.get(f"/{scene.path}/-/raw/feature/quota/a.svg")
    assert image.headers["content-type"] == "image/svg+xml"
    assert all("sandbox" in each.headers["content-security-policy"] for each in (page, image))


def test_no_page_has_a_secret_or_a_script_of_a_user(member: Visitor, scene: Scene) -> None:
    pages = member.crawl(f"/{scene.path}", 80)
    offenders = [path for path, page in pages.items() if CANARY in page.text]
    assert offenders == []
    html = {path: page.text for path, page in pages.items() if "html" in page.headers["content-type"]}
    assert f"/{scene.path}/-/merge_requests/{scene.merge_request}" in html
    assert {path: found for path, text in html.items() if (found := active_parts(text))} == {}


def test_machines_are_answered_as_before(visitor: Visitor, scene: Scene) -> None:
    assert visitor.get("/api/v4/nothing").json() == {"error": "404 Not Found"}
    assert visitor.get("/-/nothing").headers["content-type"].startswith("text/plain")
    refs = visitor.get(f"/{scene.path}.git/info/refs", service="git-upload-pack")
    assert refs.status_code == 401
    assert visitor.session.post(f"{visitor.url}/api/v4/projects/1", timeout=20).status_code == 405
