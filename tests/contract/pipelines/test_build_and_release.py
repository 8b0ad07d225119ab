"""The two ends of the pipeline: an image is built with the tool that fits, and a tag becomes a release once."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.pipelines import template
from tests.contract.pipelines.conftest import Shell

BUILD = template.script("build-job")
RELEASE = template.script("deploy-job", 1)
DIGEST = f"sha256:{7:064x}"

# What a program of the container tools was called with, and the credentials that it found.
STUB = f"""#!/bin/sh
echo "$(basename "$0") $*" >> "$HOME/calls"
cp "$DOCKER_CONFIG/config.json" "$HOME/credentials"
case $1 in
  digest) [ ! -e "$HOME/built" ] || echo {DIGEST} ;;
  append) echo registry.example/app@sha256:layer ;;
  mutate) echo registry.example/app@{DIGEST} ;;
  push) while [ "$1" != --digestfile ]; do shift; done; echo {DIGEST} > "$2" ;;
esac
[ "$1" != digest ] || [ -e "$HOME/built" ]
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with what every machine has, so that no tool of this one is found."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("base64", "basename", "cat", "cp", "git", "id", "mkdir", "mktemp", "rm", "sed", "sh", "tr"):
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    return directory


def build(shell: Shell, programs: Path, *tools: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run build-job's script in a repository with one commit, beside the given tools."""
    if not (shell.directory / ".git").exists():
        (shell.directory / "app.py").touch()
        identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
        for command in (["init", "--quiet"], ["add", "app.py"], [*identity, "commit", "--quiet", "--message", "App"]):
            subprocess.run(["git", *command], cwd=shell.directory, check=True, timeout=30)
    for tool in tools:
        (programs / tool).write_text(STUB)
        (programs / tool).chmod(0o755)
    defaults = {
        "BASE_IMAGE": "base:1",
        "CI_COMMIT_SHA": "c0ffee",
        "CI_PROJECT_URL": "https://gitlab.example/app",
        "CI_REGISTRY": "registry.example",
        "CI_REGISTRY_PASSWORD": "glcbt-canary",
        "CI_REGISTRY_USER": "gitlab-ci-token",
        "COMPONENT_PATH": ".",
        "DOCKERFILE": "Dockerfile",
        "IMAGE_COMMAND": "",
        "IMAGE_MIRROR": "mirror.example/",
        "PATH": str(programs),
        "REGISTRY_IMAGE": "registry.example/app",
        "REGISTRY_INSECURE": "false",
    }
    return shell(BUILD, **{**defaults, **variables})


def calls(shell: Shell) -> list[str]:
    return (shell.directory / "calls").read_text().splitlines()


def test_a_project_without_a_dockerfile_becomes_a_layer_on_the_mirrored_base(shell: Shell, programs: Path) -> None:
    done = build(shell, programs, "crane", "buildah", IMAGE_COMMAND='run "a, b"')
    assert done.returncode == 0, done.stdout
    append, mutate = calls(shell)
    assert append.startswith("crane append --new_layer ")
    assert append.endswith("--new_tag registry.example/app:c0ffee --base mirror.example/base:1")
    assert '--entrypoint /bin/sh,-c --cmd "exec run ""a, b"""' in mutate
    assert "--user 65532:65532" in mutate
    assert (shell.directory / "build.env").read_text().splitlines() == [
        f"IMAGE_DIGEST={DIGEST}",
        f"IMAGE_REFERENCE=registry.example/app@{DIGEST}",
    ]


def test_a_dockerfile_is_built_by_buildah(shell: Shell, programs: Path) -> None:
    (shell.directory / "Dockerfile").write_text("FROM scratch\n")
    done = build(shell, programs, "crane", "buildah", REGISTRY_INSECURE="true")
    assert done.returncode == 0, done.stdout
    built, pushed, *_ = calls(shell)
    assert built.startswith("buildah build --tls-verify=false --timestamp ")
    assert "--build-arg IMAGE_MIRROR=mirror.example/" in built
    assert built.endswith("--file Dockerfile --tag registry.example/app:c0ffee .")
    assert pushed.endswith("registry.example/app:c0ffee")
    assert f"IMAGE_DIGEST={DIGEST}" in (shell.directory / "build.env").read_text()


def test_a_tag_takes_the_image_of_its_commit(shell: Shell, programs: Path) -> None:
    (shell.directory / "built").touch()
    done = build(shell, programs, "crane", CI_COMMIT_TAG="1.0.0")
    assert calls(shell) == ["crane digest registry.example/app:c0ffee"]
    assert f"IMAGE_DIGEST={DIGEST}" in (shell.directory / "build.env").read_text(), done.stdout


def test_a_tag_without_one_is_built(shell: Shell, programs: Path) -> None:
    assert build(shell, programs, "crane", CI_COMMIT_TAG="1.0.0").returncode == 0
    assert [call.split()[1] for call in calls(shell)] == ["digest", "append", "mutate"]


def test_credentials_go_through_a_file_that_does_not_stay(shell: Shell, programs: Path, tmp_path: Path) -> None:
    done = build(shell, programs, "crane", TMPDIR=str(tmp_path))
    auth = json.loads((shell.directory / "credentials").read_text())["auths"]["registry.example"]["auth"]
    assert base64.b64decode(auth) == b"gitlab-ci-token:glcbt-canary"
    assert "glcbt-canary" not in done.stdout + "".join(calls(shell))
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("tmp.")] == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"REGISTRY_IMAGE": ""}, "error: there is no registry to push to\nEnable the project's container registry"),
        ({}, "error: there is no buildah, nor crane for a component without Dockerfile\nInstall one on the runner"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_remedy(
    shell: Shell, programs: Path, variables: dict[str, str], message: str
) -> None:
    done = build(shell, programs, **variables)
    assert done.returncode == 1
    assert message in done.stdout


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (201, 0, "released 1.0.0: https://gitlab.example/app/-/releases/1.0.0"),
        (409, 0, "release 1.0.0 is there already"),
        (403, 1, "error: GitLab answered 403 to the release: the answer"),
    ],
)
def test_a_tag_is_released_once(shell: Shell, status: int, code: int, message: str) -> None:
    gitlab = f'curl() {{ echo "$*" > called; echo the answer > "$REPORTS/release.json"; printf {status}; }}\n'
    done = shell(
        gitlab + RELEASE,
        APPLICATION="greeter",
        CI_API_V4_URL="https://gitlab.example/api/v4",
        CI_COMMIT_TAG="1.0.0",
        CI_JOB_TOKEN="glcbt-canary",
        CI_PIPELINE_URL="https://gitlab.example/app/-/pipelines/7",
        CI_PROJECT_ID="42",
        CI_PROJECT_URL="https://gitlab.example/app",
        IMAGE_REFERENCE=f"registry.example/app@{DIGEST}",
        REPORTS=str(shell.directory),
    )
    assert (done.returncode, message in done.stdout) == (code, True), done.stdout
    assert (shell.directory / "called").read_text().endswith("/projects/42/releases\n")


def test_a_branch_is_not_released(shell: Shell) -> None:
    assert "no release: this pipeline runs for no tag" in shell(RELEASE).stdout
