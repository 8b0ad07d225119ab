"""Volumes of the testbed's storage class: what a pod wrote is there for the next one, and goes with its claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.cluster.objects import apply_all, reached
from testbed.images import push_program_image
from tests.eventually import eventually
from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import Platform

pytestmark = pytest.mark.integration

NAMESPACE = "volumes"
IMAGE = "registry.bighpc.test/etcd:1"
GROUP = 4711


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace for claims, on a testbed."""

    testbed: OwnTestbed
    platform: Platform

    def apply(self, *objects: dict[str, Any]) -> None:
        with reached(self.testbed.context) as api:
            apply_all(api, objects)

    def objects(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.platform.objects(kind, NAMESPACE)

    def delete(self, kind: str, name: str) -> None:
        self.platform.run("kubectl", "delete", kind, name, f"--namespace={NAMESPACE}", "--timeout=90s")

    def volume_of(self, claim: str) -> str:
        """The name of a claim's volume, once it is bound."""
        eventually(lambda: self.objects("pvc")[claim]["status"]["phase"] == "Bound", f"{claim} is bound")
        return str(self.objects("pvc")[claim]["spec"]["volumeName"])


@pytest.fixture
def place(testbed: OwnTestbed, tmp_path: Path) -> Iterator[Place]:
    """An empty namespace, removed afterwards."""
    if not testbed.context.real_node:
        pytest.skip("no real node here: volumes are its directories")
    push_program_image(testbed.context, testbed.context.tools.path("etcd"), IMAGE)
    place = Place(testbed=testbed, platform=Platform.on(testbed, tmp_path))
    place.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield place
    place.platform.run("kubectl", "delete", "namespace", NAMESPACE, "--timeout=90s")


def claim(name: str, mode: str = "ReadWriteOnce") -> dict[str, Any]:
    """A claim that names no class."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}},
    }


def database(name: str, volume: str, **more: Any) -> dict[str, Any]:
    """A pod with something that keeps its data, as a user without rights."""
    container = {
        "name": "main",
        "image": IMAGE,
        "args": ["--data-dir=/data/etcd", "--logger=zap"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "resources": {"limits": {"cpu": "200m", "memory": "128Mi"}},
    }
    spec = {
        "containers": [container],
        "securityContext": {"runAsUser": 65534, "runAsNonRoot": True, "fsGroup": GROUP},
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": volume}}],
        **more,
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_what_a_pod_wrote_the_next_one_reads_and_it_goes_with_its_claim(place: Place) -> None:
    def says(pod: str, words: str) -> bool:
        runs = place.objects("pods")[pod]["status"]["phase"] == "Running"
        return runs and words in place.platform.run("kubectl", "logs", pod, f"--namespace={NAMESPACE}")

    place.apply(claim("kept"), database("first", "kept"))
    made = place.testbed.layout.volumes / place.volume_of("kept")
    eventually((made / "etcd" / "member" / "wal").is_dir, "the first pod has written")
    assert made.stat().st_gid == GROUP, "the volume is the pod's group's"
    assert made.parent.stat().st_mode & 0o077 == 0, "and nobody's else on this machine"
    place.delete("pod", "first")

    place.apply(database("second", "kept"))
    eventually(lambda: says("second", "restarting local member"), "the second pod goes on with it")
    place.delete("pod", "second")
    place.delete("pvc", "kept")
    eventually(lambda: not made.exists(), "nothing is left of the volume")


def test_pods_of_several_nodes_cannot_share_one(place: Place) -> None:
    def reasons() -> str:
        return " ".join(each["message"] for each in place.objects("events").values())

    place.apply(claim("shared", "ReadWriteMany"), database("one-of-many", "shared"))
    eventually(lambda: "claim it as ReadWriteOnce" in reasons(), "an event says why there is no volume")
    assert place.objects("pvc")["shared"]["status"]["phase"] == "Pending"


def test_a_simulated_node_has_volumes_without_a_directory(place: Place) -> None:
    simulated = {
        "nodeSelector": {"kubernetes.io/hostname": "simulated-0"},
        "tolerations": [{"operator": "Exists"}],
    }
    place.apply(claim("simulated"), database("pretender", "simulated", **simulated))
    name = place.volume_of("simulated")
    eventually(lambda: place.objects("pods")["pretender"]["status"]["phase"] == "Running", "it seems to run")
    assert not (place.testbed.layout.volumes / name).exists()
