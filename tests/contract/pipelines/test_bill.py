"""The bill of materials is attached to the image, in a real registry, by the program that runners have for that."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.toolchain import installed
from tests.contract.pipelines import template
from tests.contract.pipelines.conftest import Shell
from tests.free_ports import free_port

SCRIPT = template.script("security-prev-job", 1)
BILL = '{"bomFormat": "CycloneDX", "components": []}'


@dataclass(frozen=True)
class Registry:
    """The testbed's registry, and a tiny image in it."""

    crane: Path
    host: str
    digest: str

    @property
    def image(self) -> str:
        """The image by digest."""
        return f"{self.host}/team/app@{self.digest}"

    def manifest(self, reference: str) -> dict[str, Any]:
        """What the registry has under a tag or digest."""
        found: dict[str, Any] = json.loads(crane(self.crane, "manifest", f"{self.host}/team/app{reference}"))
        return found


def crane(program: Path, *arguments: str) -> str:
    """Run crane; returns what it printed."""
    command = [str(program), *arguments, "--insecure"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the test's own."""
    tools, directory, port = installed(), tmp_path_factory.mktemp("registry"), free_port()
    assert tools, "make test-contract builds them"
    host = f"127.0.0.1:{port}"
    command = [str(tools.path("registry")), f"--directory={directory}", f"--listen={host}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await_answer(f"http://{host}/v2/")
            layer = directory / "layer.tar"
            subprocess.run(["tar", "--create", f"--file={layer}", "--files-from=/dev/null"], check=True, timeout=30)
            program = tools.path("crane")
            crane(program, "append", "--oci-empty-base", f"--new_layer={layer}", f"--new_tag={host}/team/app:1")
            yield Registry(program, host, crane(program, "digest", f"{host}/team/app:1").strip())
        finally:
            process.terminate()


def await_answer(url: str) -> None:
    """Wait for the registry."""
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.1)


def attach(shell: Shell, registry: Registry, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script after a scanner has left a bill."""
    reports = shell.directory / "reports"
    reports.mkdir(exist_ok=True)
    (reports / "sbom.cdx.json").write_text(BILL)
    defaults = {
        "PATH": f"{registry.crane.parent}:/usr/bin:/bin",
        "REPORTS": str(reports),
        "REGISTRY_INSECURE": "true",
        "IMAGE_REFERENCE": registry.image,
    }
    return shell(SCRIPT, **{**defaults, **variables})


def test_who_has_the_digest_finds_the_bill(shell: Shell, registry: Registry) -> None:
    done = attach(shell, registry)
    assert done.returncode == 0, done.stdout
    (referrer,) = registry.manifest(f":{registry.digest.replace(':', '-')}")["manifests"]
    assert referrer["artifactType"] == "application/vnd.cyclonedx+json"
    manifest = registry.manifest(f"@{referrer['digest']}")
    assert manifest["subject"]["digest"] == registry.digest
    (layer,) = manifest["layers"]
    assert crane(registry.crane, "blob", f"{registry.host}/team/app@{layer['digest']}") == BILL


def test_the_same_bill_is_attached_once(shell: Shell, registry: Registry) -> None:
    assert attach(shell, registry).stdout.splitlines()[-1] == attach(shell, registry).stdout.splitlines()[-1]
    digests = [each["digest"] for each in registry.manifest(f":{registry.digest.replace(':', '-')}")["manifests"]]
    assert len(digests) == len(set(digests))


def test_without_crane_it_stays_a_report(shell: Shell, registry: Registry) -> None:
    done = attach(shell, registry, PATH="/usr/bin:/bin")
    assert done.returncode == 0
    assert "stays a report: the runner has no crane" in done.stdout


def test_without_an_image_there_is_nothing_to_attach_it_to(shell: Shell, registry: Registry) -> None:
    done = attach(shell, registry, IMAGE_REFERENCE="")
    assert (done.returncode, done.stdout.strip()) == (0, "there is no bill of materials to attach to an image")


def test_an_image_that_is_gone_fails_the_job(shell: Shell, registry: Registry) -> None:
    done = attach(shell, registry, IMAGE_REFERENCE=f"{registry.host}/team/app@sha256:{1:064x}")
    assert done.returncode != 0
    assert "MANIFEST_UNKNOWN" in done.stdout


def test_credentials_do_not_stay_and_are_not_shown(shell: Shell, registry: Registry, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    told = {"CI_REGISTRY": registry.host, "CI_REGISTRY_USER": "job", "CI_REGISTRY_PASSWORD": "glcbt-canary"}
    done = attach(shell, registry, TMPDIR=str(scratch), **told)
    assert done.returncode == 0, done.stdout
    assert "canary" not in done.stdout
    assert list(scratch.iterdir()) == []
