from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import vocabulary
from testbed.cluster import simulated_jobs
from testbed.cluster.control_plane import control_plane
from testbed.cluster.objects import cluster_objects, simulated_names
from testbed.cluster.services import coredns, kwok, registry
from testbed.context import Context
from testbed.processes import Process


def flags(process: Process) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in process.command) if value}


@pytest.fixture
def plane(context: Context) -> dict[str, dict[str, str]]:
    return {process.name: flags(process) for process in control_plane(context)}


def test_the_api_server_knows_certificates_and_service_accounts_only(plane: dict[str, dict[str, str]]) -> None:
    api = plane["kube-apiserver"]
    assert api["--anonymous-auth"] == "false"
    assert api["--authorization-mode"] == "Node,RBAC"
    assert api["--enable-admission-plugins"] == "NodeRestriction"
    assert not any("token-auth" in name or "basic-auth" in name for name in api)


def test_the_front_proxy_has_an_authority_of_its_own(plane: dict[str, dict[str, str]]) -> None:
    api = plane["kube-apiserver"]
    authorities = [api["--client-ca-file"], api["--requestheader-client-ca-file"], api["--etcd-cafile"]]
    assert len(set(authorities)) == 3, "a user's certificate must not pass for the front proxy's or open etcd"


def test_etcd_takes_only_clients_with_a_certificate(plane: dict[str, dict[str, str]]) -> None:
    etcd = plane["etcd"]
    assert (etcd["--client-cert-auth"], etcd["--peer-client-cert-auth"]) == ("true", "true")


def test_the_control_plane_listens_on_loopback_and_the_link(plane: dict[str, dict[str, str]], context: Context) -> None:
    assert plane["kube-apiserver"]["--bind-address"] == context.network.host
    for name in ("kube-controller-manager", "kube-scheduler"):
        assert plane[name]["--bind-address"] == "127.0.0.1"
    for name, value in plane["etcd"].items():
        if name.endswith("-urls"):
            assert value.startswith("https://127.0.0.1:"), name


def test_without_a_real_node_the_api_server_stays_on_loopback(make_context: Callable[..., Context]) -> None:
    api = next(process for process in control_plane(make_context(real_node=False)) if process.name == "kube-apiserver")
    assert flags(api)["--bind-address"] == "127.0.0.1"
    assert api.url == "https://127.0.0.1:6443"


def test_composing_again_changes_nothing(context: Context) -> None:
    first = {process.name: process.command for process in control_plane(context)}
    contents = {file: file.read_bytes() for file in context.layout.root.rglob("*") if file.is_file()}
    assert {process.name: process.command for process in control_plane(context)} == first
    assert {file: file.read_bytes() for file in context.layout.root.rglob("*") if file.is_file()} == contents


def test_a_kubeconfig_holds_all_that_a_component_needs(context: Context) -> None:
    path = context.kubeconfig("part", user="bighpc:part")
    content = yaml.safe_load(path.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    assert cluster["server"] == context.api_url
    authority = (context.layout.pki / "ca.crt").read_bytes()
    assert base64.b64decode(cluster["certificate-authority-data"]) == authority
    assert base64.b64decode(user["client-key-data"]).startswith(b"-----BEGIN PRIVATE KEY-----")


def by_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def test_no_component_may_do_everything(context: Context) -> None:
    for name, role in by_kind(cluster_objects(context), "ClusterRole").items():
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], name
    bindings = by_kind(cluster_objects(context), "ClusterRoleBinding").values()
    assert "cluster-admin" not in {binding["roleRef"]["name"] for binding in bindings}


def test_the_dns_service_leads_to_where_coredns_listens(context: Context) -> None:
    objects = cluster_objects(context)
    service, endpoints = by_kind(objects, "Service")["kube-dns"], by_kind(objects, "EndpointSlice")["kube-dns-host"]
    assert service["spec"]["clusterIP"] == context.network.dns
    assert {port["port"] for port in service["spec"]["ports"]} == {53}
    assert endpoints["endpoints"][0]["addresses"] == [context.network.host]
    corefile = Path(coredns(context).command[-1]).read_text()
    assert corefile.startswith(f".:{endpoints['ports'][0]['port']} {{")
    assert f"bind {context.network.host}" in corefile


def test_without_a_real_node_there_is_no_dns(make_context: Callable[..., Context]) -> None:
    assert by_kind(cluster_objects(make_context(real_node=False)), "Service") == {}


def test_the_registry_listens_on_the_link_only_when_there_is_one(make_context: Callable[..., Context]) -> None:
    assert flags(registry(make_context()))["--listen"] == "127.0.0.1:5000,10.222.0.1:5000"
    assert flags(registry(make_context(real_node=False)))["--listen"] == "127.0.0.1:5000"


def test_kwok_manages_simulated_nodes_and_no_others(context: Context) -> None:
    stages = context.tools.assets / "kwok-stages" / "pod" / "fast"
    stages.mkdir(parents=True)
    (stages / "pod-ready.yaml").write_text("kind: Stage")
    (stages / "pod-complete.yaml").write_text("kind: Stage")
    (stages / "kustomization.yaml").write_text("kind: Kustomization")
    process = kwok(context)
    assert flags(process)["--manage-all-nodes"] == "false"
    assert flags(process)["--manage-nodes-with-annotation-selector"] == "kwok.x-k8s.io/node=fake"
    assert f"--config={stages / 'pod-ready.yaml'}" in process.command
    assert not any("kustomization" in word or "pod-complete" in word for word in process.command)
    (jobs,) = (file for file in process.files if file.name == "kwok-job-stages.yaml")
    assert f"--config={jobs}" in process.command
    assert [stage["metadata"]["name"] for stage in yaml.safe_load_all(jobs.read_text())] == [
        "pod-complete",
        "pod-deadline",
    ]


def test_the_platform_and_the_simulated_nodes_say_the_same_words() -> None:
    assert (simulated_jobs.SIMULATED_SECONDS, simulated_jobs.SIMULATED_WORD) == (
        vocabulary.SIMULATED_SECONDS,
        vocabulary.SIMULATED_WORD,
    )
    # A message that begins otherwise would make simulated jobs count as real ones.
    for stage in yaml.safe_load_all(simulated_jobs.job_stages()):
        assert f"message: '{vocabulary.SIMULATED_WORD}, " in stage["spec"]["next"]["statusTemplate"]


def test_simulated_nodes_are_numbered(make_context: Callable[..., Context]) -> None:
    assert simulated_names(make_context(simulated_nodes=2)) == ["simulated-0", "simulated-1"]
    assert simulated_names(make_context(simulated_nodes=0)) == []
