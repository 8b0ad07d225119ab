"""The page over real sockets, between a client and a fake of Argo CD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from gitops.applications.argocd import ArgoCD, Connection
from gitops.applications.page import create_page
from tests.contract.gitops.applications.fake_argocd import REVISION, TOKEN, FakeArgoCD
from tests.contract.serving import serving


@dataclass(frozen=True)
class Scene:
    """A page and the Argo CD behind it."""

    argocd: FakeArgoCD
    url: str
    client: httpx2.Client

    def get(self, path: str) -> httpx2.Response:
        return self.client.get(path)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[FakeArgoCD, str, str]]:
    """One Argo CD, a page with a token that it takes, and one with a token that it does not."""
    argocd = FakeArgoCD()
    with serving(argocd.app()) as behind:

        def page(token: str) -> ArgoCD:
            return ArgoCD(Connection(url=behind, token=token))

        hosts = ("127.0.0.1",)
        with (
            serving(create_page(page(TOKEN), hosts)) as url,
            serving(create_page(page("ended"), hosts)) as without,
        ):
            yield argocd, url, without


@pytest.fixture
def scene(servers: tuple[FakeArgoCD, str, str]) -> Iterator[Scene]:
    argocd, url, _ = servers
    argocd.reset()
    with httpx2.Client(base_url=url, timeout=10, trust_env=False) as client:
        yield Scene(argocd, url, client)


def test_the_overview_shows_every_application_with_its_state(scene: Scene) -> None:
    answer = scene.get("/")
    assert answer.status_code == 200
    for word in ("hello-dev", "Healthy", "Synced", "bighpc-dev", REVISION[:8]):
        assert word in answer.text


def test_an_application_shows_objects_revisions_and_events(scene: Scene) -> None:
    text = scene.get("/applications/hello-dev").text
    assert text.index("Deployment") < text.index("ReplicaSet") < text.index("hello-abc-real"), "children below parents"
    assert "feat: greet" in text
    assert "At length." not in text, "a commit's title alone"
    assert "OperationCompleted" in text
    assert text.index(REVISION[:8]) < text.index("a94a8fe5"), "the newest first, also where its commit is unknown"


def test_links_of_argocds_own_interface_work_too(scene: Scene) -> None:
    assert scene.get("/applications/argocd/hello-dev").status_code == 200


def test_real_and_simulated_pods_are_told_apart(scene: Scene) -> None:
    text = scene.get("/applications/hello-dev").text
    assert re.search(r'testbed-0\s*<span class="chip real">real</span>', text)
    assert re.search(r'simulated-0\s*<span class="chip simulated">simulated</span>', text)


def test_what_an_application_says_is_text(scene: Scene) -> None:
    text = scene.get("/applications/hello-dev").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_no_credential_reaches_the_browser(scene: Scene) -> None:
    scene.argocd.application["status"]["conditions"] = [{"type": "ComparisonError", "message": "broken"}]
    for path in ("/", "/applications/hello-dev", "/objects/hello-dev/pod-real", "/applications/nowhere"):
        answer = scene.get(path)
        shown = answer.text + str(answer.headers)
        assert TOKEN not in shown
        assert "canary-password" not in shown, path


def test_the_reasons_of_what_is_wrong_are_told(scene: Scene) -> None:
    status = scene.argocd.application["status"]
    status["health"] = {"status": "Degraded", "message": "Deployment hello is not progressing"}
    status["operationState"] = {"phase": "Failed", "message": "one or more objects failed to apply"}
    status["conditions"] = [{"type": "SyncError", "message": "Failed sync attempt"}]
    text = scene.get("/applications/hello-dev").text
    for reason in ("is not progressing", "Sync failed: one or more", "SyncError: Failed sync attempt"):
        assert reason in text


def test_what_git_names_and_the_cluster_lacks_is_missing(scene: Scene) -> None:
    scene.argocd.tree["nodes"] = [node for node in scene.argocd.tree["nodes"] if node["kind"] != "Service"]
    text = scene.get("/applications/hello-dev").text
    assert re.search(r"Service</span> <span class=.strong.>hello</span>.*?Missing", text, re.DOTALL)


def test_a_pods_page_has_its_events_and_where_its_log_is(scene: Scene) -> None:
    text = scene.get("/objects/hello-dev/pod-real").text
    assert "Pulled" in text
    assert 'data-source="/objects/hello-dev/pod-real/log"' in text


def test_a_simulated_pod_has_no_log(scene: Scene) -> None:
    text = scene.get("/objects/hello-dev/pod-simulated").text
    assert "A simulated pod has no log." in text
    assert 'data-source="/objects' not in text


def test_the_log_goes_on_as_it_is_written(scene: Scene) -> None:
    said = []
    with scene.client.stream("GET", "/objects/hello-dev/pod-real/log") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                said.append(json.loads(line.removeprefix("data: "))["text"])
                if len(said) == 2:
                    scene.argocd.log.append("one more")
                if len(said) == 3:
                    break
    assert said == ["listening", "GET / 200", "one more"]


@pytest.mark.parametrize("query", ["", "?application=hello-dev"])
def test_whoever_watches_is_told_of_a_change(scene: Scene, query: str) -> None:
    told = 0
    with scene.client.stream("GET", f"/-/changes{query}") as answer:
        for line in answer.iter_lines():
            if line == "event: change":
                told += 1
                if told == 1:
                    scene.argocd.changed()
                else:
                    break
    assert told == 2


def test_who_stops_watching_leaves_no_trace(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/-/changes", "/-/changes?application=hello-dev", "/objects/hello-dev/pod-real/log"):
        with scene.client.stream("GET", path) as answer:
            next(answer.iter_lines())
    assert scene.get("/").status_code == 200
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


def test_a_watch_that_argocd_refuses_says_why(scene: Scene) -> None:
    with scene.client.stream("GET", "/-/changes?application=nowhere") as answer:
        text = "".join(answer.iter_text())
    assert "event: trouble" in text
    assert "no such application" in text


@pytest.mark.parametrize("path", ["/applications/nowhere", "/objects/hello-dev/gone", "/objects/nowhere/pod-real"])
def test_what_is_not_there_is_404_with_a_reason(scene: Scene, path: str) -> None:
    answer = scene.get(path)
    assert answer.status_code == 404
    assert "cannot be shown" in answer.text


def test_a_token_that_ended_is_a_reason_and_no_way_in(servers: tuple[FakeArgoCD, str, str]) -> None:
    answer = httpx2.get(f"{servers[2]}/", trust_env=False)
    assert answer.status_code == 502
    assert "does not accept the page&#39;s token" in answer.text
    assert httpx2.get(f"{servers[2]}/-/ready", trust_env=False).status_code == 502


def test_the_page_only_reads(scene: Scene) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert scene.client.request(method, "/applications/hello-dev").status_code == 405


def test_browsers_are_told_to_run_nothing_of_others(scene: Scene) -> None:
    headers = scene.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_another_name_for_this_machine_is_refused(scene: Scene) -> None:
    assert scene.client.get("/", headers={"host": "rebound.example"}).status_code == 400


def test_argocd_that_is_gone_is_a_reason() -> None:
    argocd = ArgoCD(Connection(url="http://127.0.0.1:1", token="x"))
    with serving(create_page(argocd, ("127.0.0.1",))) as url:
        answer = httpx2.get(f"{url}/", trust_env=False)
    assert answer.status_code == 502
    assert "http://127.0.0.1:1 does not answer" in answer.text
