"""Images of Debian packages: made alike every time, described in the registry, and what jobs run in."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project

from testbed.host.packages import find_command
from testbed.images import DebianImage
from testbed.images.store import ensure
from tests.integration.own_testbed import OwnTestbed
from tests.integration.test_runner import outcome, project

__all__ = ["project"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.geteuid() != 0 or find_command("apt-get") is None, reason="packages are unpacked by root on Debian alone"
    ),
]

JOB = """
job:
  image: {image}
  variables: {{GIT_DEPTH: "1"}}
  script:
    - echo "user $(id -un), group $(id -gn), home $HOME"
    - git log --format='commit %H'
    - python3 -m venv venv && venv/bin/python -m pip --version
    - curl --silent --show-error --fail --output answer "$CI_SERVER_URL/-/readiness"
  artifacts:
    paths: [answer]
"""


def test_the_same_packages_give_the_same_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGHPC_CACHE", str(tmp_path))
    image = DebianImage(name="small", version="1", packages=(), user="someone", files={"/etc/motd": "hello\n"})
    first = ensure(image, print)
    digests = first.digest, first.bill_digest
    written = first.image.stat().st_ino
    second = ensure(image, print, anew=True)
    assert (second.digest, second.bill_digest) == digests
    assert second.image.stat().st_ino != written, "it was really made again"


def test_an_image_is_in_the_registry_with_its_bill_of_materials_and_runs_jobs(
    testbed: OwnTestbed, project: Project
) -> None:
    code, said = testbed.run("image", "ci-python")
    assert code == 0, said
    reference = said.splitlines()[-1]
    name, _, digest = reference.partition("@")
    assert name == "registry.bighpc.test/ci-python:1"

    [referrer] = manifest(testbed, digest.replace(":", "-"))["manifests"]
    assert referrer["artifactType"] == "application/vnd.cyclonedx+json"
    described = manifest(testbed, referrer["digest"])
    assert described["subject"]["digest"] == digest
    bill = json.loads(crane(testbed, "blob", f"ci-python@{described['layers'][0]['digest']}"))
    assert {"python3.11", "git", "bash"} <= {part["name"] for part in bill["components"]}

    status, reason, log = outcome(project, JOB.format(image=reference))
    if not testbed.context.real_node:
        assert (status, reason) == ("failed", "runner_unsupported"), log
        return
    assert status == "success", log
    assert "\nuser job, group job, home /home/job\n" in log
    assert "\ncommit " in log
    assert "\npip " in log


def crane(testbed: OwnTestbed, action: str, reference: str) -> str:
    context = testbed.context
    command = [str(context.tools.path("crane")), action, "--insecure"]
    command.append(f"127.0.0.1:{context.ports['registry']}/{reference}")
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def manifest(testbed: OwnTestbed, reference: str) -> dict[str, Any]:
    separator = "@" if ":" in reference else ":"
    return dict(json.loads(crane(testbed, "manifest", f"ci-python{separator}{reference}")))
