"""A testbed that is up: every part is there, works, and keeps to itself."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import ssl
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from testbed.cluster.objects import apply_all, reached
from testbed.cluster.pki import Authority
from testbed.host.leftovers import marked_processes
from testbed.images import push_program_image
from testbed.node.namespaces import enter
from testbed.probes import http_probe
from testbed.processes import NotReadyError
from tests.contract.gitlab.support import eventually
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.integration

IMAGE = "registry.bighpc.test/answering:1"
NAMESPACE = "cluster-test"


def kubectl(testbed: OwnTestbed, *arguments: str) -> str:
    context = testbed.context
    command = [str(context.tools.path("kubectl")), f"--kubeconfig={context.layout.kubeconfig}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pod_template(app: str, **spec: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": IMAGE,
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False},
    }
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container], **spec}}


def deployment(name: str, replicas: int, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": pod_template(name, **spec),
        },
    }


@pytest.fixture(scope="module")
def workload(shared_testbed: OwnTestbed) -> Iterator[OwnTestbed]:
    """Two real pods behind a Service, and five simulated ones."""
    context = shared_testbed.context
    push_program_image(context, context.tools.path("hello"), IMAGE)
    toleration = {"key": "kwok.x-k8s.io/node", "operator": "Exists"}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        deployment("answering", 2),
        deployment("simulated", 5, tolerations=[toleration], nodeSelector={"kwok.x-k8s.io/node": "fake"}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "answering", "namespace": NAMESPACE},
            "spec": {"selector": {"app": "answering"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]
    with reached(context) as api:
        apply_all(api, objects)
    for name in ("answering", "simulated"):
        kubectl(shared_testbed, "-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=90s")
    yield shared_testbed
    kubectl(shared_testbed, "delete", "namespace", NAMESPACE, "--timeout=90s")


def ask(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return dict(json.load(answer))


def test_every_part_is_ready_and_says_what_it_is(testbed: OwnTestbed) -> None:
    status = testbed.status()
    assert {name: entry["reason"] for name, entry in status.items() if not entry["ready"]} == {}
    kinds = {name: entry["kind"] for name, entry in status.items()}
    assert kinds["testbed-0"] == kinds["kubelet"] == kinds["kwok"] == "real"
    assert kinds["gitlab"] == "double"
    assert kinds["simulated-0"] == kinds["simulated-1"] == "simulated"
    assert all(entry["version"] for entry in status.values())


def test_the_page_of_applications_is_there_and_may_only_look(testbed: OwnTestbed) -> None:
    entry = testbed.status()["applications"]
    assert (entry["kind"], entry["ready"]) == ("real", True)
    with urllib.request.urlopen(entry["url"], timeout=10) as page:
        assert "Argo CD" in page.read().decode()
    context = testbed.context
    token = (testbed.layout.secrets / "argocd-applications-token").read_text()
    asked = f"http://127.0.0.1:{context.ports['argocd-server']}/api/v1/account/can-i/applications"
    for action, wanted in {"get": "yes", "sync": "no", "delete": "no"}.items():
        question = urllib.request.Request(f"{asked}/{action}/any/any", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(question, timeout=10) as said:
            assert json.load(said) == {"value": wanted}, action


def test_a_second_up_changes_nothing(testbed: OwnTestbed) -> None:
    before = {name: entry["pid"] for name, entry in testbed.status().items()}
    testbed.up()
    assert {name: entry["pid"] for name, entry in testbed.status().items()} == before


def test_a_real_pod_answers_the_host_through_its_service(workload: OwnTestbed) -> None:
    cluster_ip = kubectl(workload, "-n", NAMESPACE, "get", "service", "answering", "-o", "jsonpath={.spec.clusterIP}")
    pods: set[str] = set()

    def both_answer() -> bool:
        # A pod is ready a moment before the node's rules send requests to it.
        with contextlib.suppress(OSError):
            pods.add(ask(f"http://{cluster_ip}/")["pod"])
        return len(pods) == 2

    eventually(both_answer)


def test_pods_resolve_names_and_reach_services_and_the_api(workload: OwnTestbed) -> None:
    network = workload.context.network
    pods = json.loads(kubectl(workload, "-n", NAMESPACE, "get", "pods", "-l", "app=answering", "-o", "json"))["items"]
    uid = pods[0]["metadata"]["uid"]
    pid = next(process.pid for process in psutil.process_iter(["name"]) if in_pod_of(process, uid))
    service = f"answering.{NAMESPACE}.svc.cluster.local"
    code = "\n".join(
        [
            "import socket, struct, urllib.request",
            *Path(__file__).read_text().split("# -- runs in the pod too\n")[1:2],
            f"address = resolve({service!r}, {network.dns!r})",
            "for _ in range(5): urllib.request.urlopen(f'http://{address}/', timeout=5).read()",
            f"assert resolve('registry.bighpc.test', {network.dns!r}) == {network.host!r}",
            f"socket.create_connection(({str(network.services[1])!r}, 443), timeout=5).close()",
        ]
    )
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "--", "python3", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


# -- runs in the pod too
def resolve(name: str, server: str) -> str:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(query, (server, 53))
        answer = client.recv(512)
    assert answer[3] & 15 == 0, f"{name}: DNS error {answer[3] & 15}"
    return socket.inet_ntoa(answer[-4:])


# -- runs in the pod too


def in_pod_of(process: psutil.Process, mark: str) -> bool:
    """Whether it is our application's process in a control group with that in its name: a testbed's, or a pod's."""
    if process.info["name"] != "hello":
        return False
    return mark in Path(f"/proc/{process.pid}/cgroup").read_text(encoding="utf-8")


def test_simulated_pods_seem_to_run_and_start_no_container(workload: OwnTestbed) -> None:
    pods = json.loads(kubectl(workload, "-n", NAMESPACE, "get", "pods", "-l", "app=simulated", "-o", "json"))["items"]
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert {pod["spec"]["nodeName"] for pod in pods} <= {"simulated-0", "simulated-1"}
    real = [process for process in psutil.process_iter(["name"]) if in_pod_of(process, f"/bighpc/{workload.name}/")]
    everywhere = json.loads(kubectl(workload, "get", "pods", "--all-namespaces", "-o", "json"))["items"]
    assert len(real) == len([pod for pod in everywhere if pod["spec"].get("nodeName") == "testbed-0"])


def test_a_pod_without_toleration_never_lands_on_a_simulated_node(workload: OwnTestbed) -> None:
    pods = json.loads(kubectl(workload, "-n", NAMESPACE, "get", "pods", "-l", "app=answering", "-o", "json"))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"testbed-0"}


def test_logs_of_a_container_come_through_the_kubelet(workload: OwnTestbed) -> None:
    kubectl(workload, "-n", NAMESPACE, "logs", "deployment/answering")


def test_everything_listens_on_loopback_or_the_link_only(testbed: OwnTestbed) -> None:
    network = testbed.context.network
    allowed = {"127.0.0.1", "::1", network.host, network.node}
    processes = {process.pid: process.name() for process in marked_processes(testbed.layout.root)}
    code = (
        "import json, psutil; print(json.dumps([[c.laddr, c.status, c.pid] for c in psutil.net_connections('inet')]))"
    )
    python = str(testbed.context.tool_directories[-1] / "python")
    seen = [
        json.loads(subprocess.run([*where, python, "-c", code], capture_output=True, text=True, check=True).stdout)
        for where in ((), enter(testbed.layout))
    ]
    listening = [
        (processes[pid], address[0])
        for connections in seen
        for address, status, pid in connections
        if pid in processes and address and status in {"LISTEN", "NONE"}
    ]
    assert len(listening) > 10, "the check must see what it checks"
    assert {entry for entry in listening if entry[1] not in allowed} == set()


def test_keys_secrets_and_configuration_are_closed_to_others(testbed: OwnTestbed) -> None:
    layout = testbed.layout
    for directory in (layout.pki, layout.secrets, layout.config):
        assert directory.stat().st_mode & 0o777 == 0o700
        for file in (path for path in directory.rglob("*") if path.is_file()):
            assert file.stat().st_mode & 0o077 == 0, file
    assert layout.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_no_secret_is_on_a_command_line(testbed: OwnTestbed) -> None:
    secrets = {file.name: file.read_text() for file in testbed.layout.secrets.iterdir()}
    lines = {shlex.join(process.cmdline()) for process in marked_processes(testbed.layout.root)}
    assert {name for name, secret in secrets.items() for line in lines if secret in line} == set()


def test_the_api_server_refuses_whom_it_does_not_know(testbed: OwnTestbed) -> None:
    authority = testbed.context.pki.authority(Authority.CLUSTER).certificate
    context = ssl.create_default_context(cafile=str(authority))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{testbed.context.api_url}/version", context=context, timeout=5)
    with refused.value:
        assert refused.value.code == 401


def test_a_kubelet_cannot_read_what_its_node_does_not_need(testbed: OwnTestbed) -> None:
    kubeconfig = testbed.layout.config / "kubelet.kubeconfig"
    command = [str(testbed.context.tools.path("kubectl")), f"--kubeconfig={kubeconfig}", "auth", "can-i"]
    question = [*command, "list", "secrets", "--all-namespaces"]
    done = subprocess.run(question, capture_output=True, text=True, check=False)
    assert done.stdout.split()[0] == "no"


def test_a_cluster_user_cannot_read_etcd(testbed: OwnTestbed) -> None:
    pki = testbed.context.pki
    admin = pki.issue("admin", common_name="kubernetes-admin", organizations=["system:masters"])
    url = f"https://127.0.0.1:{testbed.context.ports['etcd']}/version"
    with pytest.raises(NotReadyError):
        http_probe(url, authority=pki.authority(Authority.ETCD).certificate, client=admin)()


def test_the_environment_is_enough_for_plain_tools(testbed: OwnTestbed) -> None:
    code, exports = testbed.run("env")
    assert code == 0
    script = """
    kubectl get nodes -o name
    curl -fsS -H "PRIVATE-TOKEN: $GITLAB_TOKEN" "${GITLAB_BASE_URL}version"
    """
    done = subprocess.run(["bash", "-euc", exports + script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "node/testbed-0" in done.stdout


def test_the_log_of_a_part_is_shown(testbed: OwnTestbed) -> None:
    code, said = testbed.run("logs", "etcd", "-n", "5")
    assert code == 0
    code, said = testbed.run("logs", "ectd")
    assert code == 1
    assert "'ectd' has no log; there are" in said


def test_the_number_of_simulated_nodes_can_change_while_it_runs(testbed: OwnTestbed) -> None:
    testbed.up("--simulated-nodes", "4")
    assert "simulated-3" in testbed.status()
    testbed.up("--simulated-nodes", "2")
    deadline = time.monotonic() + 20
    while "simulated-3" in kubectl(testbed, "get", "nodes", "-o", "name"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
