"""Applications from charts: a Helm repository and an OCI registry, both of this machine, through the real Argo CD."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.eventually import eventually
from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import Platform, copy_checkout

pytestmark = pytest.mark.integration

VERSION = "1.2.3"
CHART = {
    "Chart.yaml": f"apiVersion: v2\nname: greeter\nversion: {VERSION}\n",
    "values.yaml": "greeting: nothing\nplace: nowhere\n",
    "templates/configmap.yaml": (
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: {{ .Release.Name }}\n"
        "data:\n"
        "  greeting: {{ .Values.greeting | quote }}\n"
        "  place: {{ .Values.place | quote }}\n"
    ),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def platform(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform with an application from a Helm repository and one from an OCI registry."""
    shared_testbed.deploy()
    tree, place = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("charts")
    copy_checkout(tree)
    made = Platform.on(shared_testbed, tmp_path_factory.mktemp("configuration"), tree)
    before = Platform.on(shared_testbed, tmp_path_factory.mktemp("before"))
    registry = f"127.0.0.1:{shared_testbed.context.ports['registry']}"
    with serving(place) as repository:
        publish(shared_testbed, place, repository, registry)
        sources = {
            "from-repository": {"type": "helm", "repository": repository, "chart": "greeter"},
            "from-registry": {"type": "oci", "repository": f"oci://{registry}/charts/greeter"},
        }
        for name, source in sources.items():
            spec = {
                "name": name,
                "environments": ["dev"],
                "source": {**source, "version": VERSION, "values": {"greeting": name, "place": "anywhere"}},
                "parameters": {"dev": {"values": {"place": "dev"}}},
            }
            (tree / f"stacks/applications/{name}.yaml").write_text(yaml.safe_dump(spec))
        try:
            trust(made, f"oci://{registry}/charts/greeter")
            made.pulumi("up", "dev", "--yes", "--skip-preview")
            yield made
        finally:
            before.pulumi("up", "dev", "--yes", "--skip-preview")
            made.run("kubectl", "delete", "secret", "plain-registry", "--namespace=argocd", "--ignore-not-found")
        eventually(lambda: not made.objects("configmaps", "bighpc-dev").keys() & sources.keys(), "they are gone")


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[str]:
    """Serve a directory on loopback; yields the address."""
    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def publish(testbed: OwnTestbed, place: Path, repository: str, registry: str) -> None:
    """Make the chart, an index of it, and push it."""
    source = place / "source"
    for name, text in CHART.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    helm = testbed.context.tools.path("helm")
    for command in (
        ("package", source, f"--destination={place}"),
        ("repo", "index", place, f"--url={repository}"),
        ("push", place / f"greeter-{VERSION}.tgz", f"oci://{registry}/charts", "--plain-http"),
    ):
        subprocess.run([helm, *map(str, command)], check=True, capture_output=True, timeout=60)


def trust(platform: Platform, address: str) -> None:
    """Tell Argo CD that the registry speaks no TLS, as a site does with its own."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "plain-registry",
            "namespace": "argocd",
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "stringData": {"type": "oci", "url": address, "insecureOCIForceHttp": "true"},
    }
    file = platform.configuration / "registry.json"
    file.write_text(json.dumps(secret))
    platform.run("kubectl", "apply", f"--filename={file}")


@pytest.mark.parametrize("name", ["from-repository", "from-registry"])
def test_a_chart_is_delivered_with_the_values_of_the_environment(platform: Platform, name: str) -> None:
    eventually(lambda: platform.healthy(f"{name}-dev"), f"{name}-dev is healthy")
    made = platform.objects("configmaps", "bighpc-dev")[name]
    assert made["data"] == {"greeting": name, "place": "dev"}
