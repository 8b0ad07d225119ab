from __future__ import annotations

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from testbed.context import Context
from testbed.delivery.metrics import metrics_relay, metrics_services
from testbed.delivery.relay import Relay


def test_pods_reach_metrics_by_the_names_that_upstream_has(context: Context) -> None:
    made = list(metrics_services(context, argocd="argocd", operator="pulumi-operator"))
    services = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in made if "spec" in each}
    slices = {each["metadata"]["name"]: each for each in made if "endpoints" in each}
    assert services.keys() == {
        ("argocd", "argocd-metrics"),
        ("argocd", "argocd-server-metrics"),
        ("argocd", "argocd-repo-server"),
        ("pulumi-operator", "pulumi-kubernetes-operator-metrics"),
        ("kube-system", "kubelet"),
    }
    for (_, name), service in services.items():
        assert "selector" not in service["spec"], "what it leads to is no pod"
        slice_ = slices[name]
        assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == name
        assert slice_["ports"][0]["port"] == service["spec"]["ports"][0]["targetPort"]
    assert slices["argocd-metrics"]["endpoints"] == [{"addresses": [context.address]}]
    assert services["kube-system", "kubelet"]["spec"]["clusterIP"] == "None"
    assert slices["kubelet"]["endpoints"] == [{"addresses": [context.network.node]}]


def test_where_no_pod_runs_there_is_none(make_context: Callable[..., Context]) -> None:
    assert list(metrics_services(make_context(real_node=False), argocd="a", operator="o")) == []
    assert metrics_relay(make_context(real_node=False)) == []


def test_the_relay_knows_every_service_that_leads_to_it(context: Context) -> None:
    (relay,) = metrics_relay(context)
    known = {
        argument.partition("=")[0] for argument in relay.command if "=" in argument and not argument.startswith("--")
    }
    made = metrics_services(context, argocd="argocd", operator="pulumi-operator")
    leading = {each["metadata"]["name"] for each in made if each.get("ports", [{}])[0].get("port") == 8087}
    assert known == leading


class Metrics(http.server.BaseHTTPRequestHandler):
    """A process with metrics, and with more than them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"asked for {self.path}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def relay() -> Iterator[str]:
    with (
        http.server.HTTPServer(("127.0.0.1", 0), Metrics) as behind,
        Relay(("127.0.0.1", 0), {"argocd-metrics": behind.server_address[1], "gone": 1}) as front,
    ):
        threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in (behind, front)]
        for each in threads:
            each.start()
        yield f"http://127.0.0.1:{front.server_address[1]}"
        for server in (behind, front):
            server.shutdown()
        for each in threads:
            each.join()


def ask(relay: str, path: str, host: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"{relay}{path}", headers={"Host": host}), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/metrics", "argocd-metrics.argocd.svc:8082", 200),
        ("/healthz", "anything", 200),
        ("/debug/pprof/heap", "argocd-metrics.argocd.svc:8082", 404),
        ("/metrics/../debug", "argocd-metrics.argocd.svc:8082", 404),
        ("/metrics", "somebody-else.argocd.svc:8082", 404),
        ("/metrics", "gone.argocd.svc:8082", 502),
    ],
)
def test_the_relay_hands_out_metrics_and_nothing_else(relay: str, path: str, host: str, status: int) -> None:
    found, said = ask(relay, path, host)
    assert found == status, said
    assert "debug" not in said
