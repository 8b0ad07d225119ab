"""What no program declares in the stack's namespaces, against an API server that answers from a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from lightkube import Client, KubeConfig
from lightkube.config.models import Cluster, User

from gitops.drift.cluster import Declared, look
from gitops.drift.finding import Cause
from gitops.pulumi.plan import Change
from gitops.pulumi.state import State
from tests.contract.gitops.fake_engine import kubernetes
from tests.contract.gitops.states import state_of

HELLO = "argocd.argoproj.io/tracking-id"


class Answers:
    """Answers lists and single objects; what it does not know is an empty list."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Mapping[str, Any]]] = {}
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.refused: set[str] = set()

    def put(self, path: str, name: str, **metadata: Any) -> None:
        """Add an object to namespace `bighpc-dev`; path as in `apps/v1/deployments`."""
        group, _, plural = path.rpartition("/")
        place = f"/{group}/namespaces/bighpc-dev/{plural}"
        self.lists.setdefault(place, []).append({"metadata": {"name": name, "namespace": "bighpc-dev", **metadata}})

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """One answer."""
        path = request.url.path
        if path in self.refused:
            status = {"kind": "Status", "code": 403, "message": "secrets is forbidden", "status": "Failure"}
            return httpx2.Response(403, json=status)
        if path in self.objects:
            return httpx2.Response(200, json=self.objects[path])
        if "/applications/" in path:
            return httpx2.Response(404, json={"kind": "Status", "code": 404, "message": "gone", "status": "Failure"})
        return httpx2.Response(200, json={"kind": "List", "metadata": {}, "items": self.lists.get(path, [])})


@pytest.fixture
def cluster() -> Answers:
    """One without any object."""
    return Answers()


@pytest.fixture
def client(cluster: Answers) -> Iterator[Client]:
    """The real client on it."""
    config = KubeConfig.from_one(cluster=Cluster(server="http://cluster.test"), user=User(token="t0ken")).get()
    with Client(config=config, transport=httpx2.MockTransport(cluster.answer), trust_env=False) as made:
        yield made


@pytest.fixture
def state() -> State:
    """A stack with a namespace, a quota in it, and an application."""
    return state_of(
        "dev",
        kubernetes("Namespace", "bighpc-dev"),
        kubernetes("ResourceQuota", "quota", "bighpc-dev"),
        kubernetes("Application", "hello-dev", "argocd", "argoproj.io/v1alpha1"),
    )


def found(client: Client, state: State, *others: State) -> list[str]:
    """What is undeclared, in words."""
    findings, errors = look(client, state, Declared([state, *others]))
    assert errors == []
    assert {finding.cause for finding in findings} <= {Cause.UNDECLARED}
    return sorted(finding.title for finding in findings)


def test_what_people_made_by_hand_is_named(client: Client, cluster: Answers, state: State) -> None:
    cluster.put("api/v1/configmaps", "mine")
    cluster.put("apis/apps/v1/deployments", "debug")
    cluster.put("api/v1/secrets", "token")
    expected = ["ConfigMap mine", "Deployment debug", "Secret token"]
    assert found(client, state) == [f"{each} in namespace bighpc-dev" for each in expected]


def test_what_the_programs_declare_is_expected(client: Client, cluster: Answers, state: State) -> None:
    cluster.put("api/v1/resourcequotas", "quota")
    cluster.put("api/v1/configmaps", "of-another-stack")
    other = state_of("prod", kubernetes("ConfigMap", "of-another-stack", "bighpc-dev"))
    assert found(client, state, other) == []


def test_what_the_program_is_about_to_make_is_declared(client: Client, cluster: Answers, state: State) -> None:
    cluster.put("api/v1/configmaps", "planned")
    new = {"kind": "ConfigMap", "metadata": {"name": "planned", "namespace": "bighpc-dev"}}
    token = "kubernetes:core/v1:ConfigMap"
    change = Change(urn="", type=token, name="planned", operation="create", protected=False, new=new)
    assert look(client, state, Declared([state], [change])) == ([], [])


def test_what_kubernetes_and_owners_make_is_expected(client: Client, cluster: Answers, state: State) -> None:
    cluster.put("api/v1/serviceaccounts", "default")
    cluster.put("api/v1/configmaps", "kube-root-ca.crt")
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "hello", "uid": "1"}
    cluster.put("api/v1/pods", "hello-1", ownerReferences=[owner])
    assert found(client, state) == []


def test_what_argo_cd_applied_is_expected_and_a_copy_of_it_is_not(
    client: Client, cluster: Answers, state: State
) -> None:
    tracking = "hello-dev:apps/Deployment:bighpc-dev/hello"
    cluster.put("apis/apps/v1/deployments", "hello", annotations={HELLO: tracking})
    cluster.put("apis/apps/v1/deployments", "copy", annotations={HELLO: tracking})
    cluster.put("api/v1/services", "hello", annotations={HELLO: "argocd_hello-dev:/Service:bighpc-dev/hello"})
    cluster.put("api/v1/services", "foreign", annotations={HELLO: "byhand:/Service:bighpc-dev/foreign"})
    expected = ["Deployment copy in namespace bighpc-dev", "Service foreign in namespace bighpc-dev"]
    assert found(client, state) == expected


def test_volume_claims_of_a_stateful_set_belong_to_it(client: Client, cluster: Answers, state: State) -> None:
    template = {"metadata": {"name": "data"}, "spec": {}}
    tracked = {HELLO: "hello-dev:apps/StatefulSet:bighpc-dev/db"}
    cluster.put("apis/apps/v1/statefulsets", "db", annotations=tracked)
    [database] = cluster.lists["/apis/apps/v1/namespaces/bighpc-dev/statefulsets"]
    spec = {"serviceName": "db", "selector": {}, "template": {}, "volumeClaimTemplates": [template]}
    cluster.lists["/apis/apps/v1/namespaces/bighpc-dev/statefulsets"] = [{**database, "spec": spec}]
    cluster.put("api/v1/persistentvolumeclaims", "data-db-0")
    cluster.put("api/v1/persistentvolumeclaims", "mine")
    assert found(client, state) == ["PersistentVolumeClaim mine in namespace bighpc-dev"]


def test_custom_kinds_are_looked_at_too(client: Client, cluster: Answers, state: State) -> None:
    names = {"kind": "Widget", "plural": "widgets"}
    versions = [{"name": "v1", "served": True, "storage": True}]
    spec = {"group": "example.org", "scope": "Namespaced", "names": names, "versions": versions}
    cluster.lists["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] = [{"metadata": {}, "spec": spec}]
    cluster.put("apis/example.org/v1/widgets", "gadget")
    assert found(client, state) == ["Widget gadget in namespace bighpc-dev"]


def test_what_cannot_be_listed_is_an_error_and_the_rest_is_told(client: Client, cluster: Answers, state: State) -> None:
    cluster.refused.add("/api/v1/namespaces/bighpc-dev/secrets")
    cluster.put("api/v1/configmaps", "mine")
    findings, errors = look(client, state, Declared([state]))
    assert [finding.name for finding in findings] == ["mine"]
    assert errors == ["Secrets of namespace bighpc-dev cannot be listed: it answered 403: secrets is forbidden"]


def test_who_wrote_an_object_is_told(client: Client, cluster: Answers, state: State) -> None:
    stamp = "2026-11-25T02:00:00Z"
    field = {"apiVersion": "v1", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}
    managers = [{"manager": name, "time": stamp, **field} for name in ("kubectl-create", "kubectl-edit")]
    known = {"uid": "1", "resourceVersion": "7", "creationTimestamp": stamp, "labels": {"a": "b"}, "generation": 1}
    cluster.put("api/v1/configmaps", "mine", managedFields=managers, **known)
    [finding], _ = look(client, state, Declared([state]))
    assert finding.detail == "written by kubectl-create, kubectl-edit"


@pytest.mark.parametrize(("phase", "expected"), [("Succeeded", ["Deployment hello"]), ("Running", [])])
def test_what_differs_from_the_repository_is_named_unless_a_sync_is_on_its_way(
    client: Client, cluster: Answers, state: State, phase: str, expected: list[str]
) -> None:
    resources = [
        {"kind": "Deployment", "name": "hello", "namespace": "bighpc-dev", "status": "OutOfSync"},
        {"kind": "Service", "name": "hello", "namespace": "bighpc-dev", "status": "Synced"},
    ]
    cluster.objects["/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/hello-dev"] = {
        "metadata": {"name": "hello-dev", "namespace": "argocd"},
        "status": {"operationState": {"phase": phase}, "resources": resources},
    }
    findings, errors = look(client, state, Declared([state]))
    assert errors == []
    assert [finding.title for finding in findings] == [f"{each} in namespace bighpc-dev" for each in expected]
    assert all(finding.cause is Cause.UNSYNCED for finding in findings)


def test_a_stack_without_a_namespace_asks_the_cluster_for_nothing(client: Client) -> None:
    assert look(client, state_of("dev"), Declared([])) == ([], [])
