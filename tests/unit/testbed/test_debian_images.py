"""Images of Debian packages: what is asked of the package manager, what is kept, what is pushed."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed import toolchain
from testbed.context import Context
from testbed.errors import UserError
from testbed.host import packages
from testbed.images import DebianImage, bill, debian, publishing, store
from testbed.images.bill import bill_of_materials
from testbed.images.publishing import publish
from testbed.images.store import ensure
from testbed.toolchain import Toolchain

IMAGE = DebianImage(
    name="ci", version="7", packages=("git", "python3"), user="job", files={"/etc/gitconfig": "[safe]\n"}
)

STATUS = """Package: git
Status: install ok installed
Architecture: amd64
Version: 1:2.39.5-0+deb12u2
Conffiles:
 /etc/bash_completion.d/git-prompt 7baac5c3ced94ebf2c0e1dde65c3b1a6
Description: fast, scalable, distributed revision control system

Package: ca-certificates
Status: install ok installed
Architecture: all
Version: 20230311
"""

TARGETS = """Debian||https://mirror.example/debian/|bookworm|main
Debian||https://mirror.example/debian/|bookworm|main
Debian|/usr/share/keyrings/debian-archive-keyring.gpg|https://mirror.example/security/|bookworm-security|main
Debian||https://mirror.example/debian/|trixie|main
Node Source||https://node.example|nodistro|main
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """A Debian machine as root whose programs only note what they are asked; mmdebstrap writes STATUS's archive."""
    monkeypatch.setenv("BIGHPC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "archive", lambda: ("debian", "bookworm"))
    monkeypatch.setattr(store, "archive", lambda: ("debian", "bookworm"))
    monkeypatch.setattr(packages, "find_command", lambda command: f"/usr/bin/{command}")
    asked: list[tuple[str, ...]] = []

    def run(*command: object, environment: Mapping[str, str] | None = None, limit_s: float = 60) -> str:
        if command[0] == "apt-get":
            return TARGETS
        asked.append(tuple(map(str, command)))
        assert environment is not None
        assert environment["SOURCE_DATE_EPOCH"] == "1"
        write_root(Path(str(command[-2])), STATUS)
        return ""

    monkeypatch.setattr(debian, "run", run)
    return asked


def write_root(target: Path, status: str | None) -> Path:
    with tarfile.open(target, "w") as archive:
        if status is not None:
            entry = tarfile.TarInfo("./var/lib/dpkg/status")
            entry.size = len(status.encode())
            archive.addfile(entry, io.BytesIO(status.encode()))
    return target


def document(layout: Path) -> dict[str, Any]:
    """The manifest of an image layout."""
    [entry] = json.loads((layout / "index.json").read_text())["manifests"]
    return read(layout, entry["digest"])


def read(layout: Path, digest: str) -> dict[str, Any]:
    return dict(json.loads((layout / "blobs" / digest.replace(":", "/")).read_text()))


def test_an_image_runs_as_its_user_who_is_not_root(machine: list[tuple[str, ...]]) -> None:
    made = ensure(IMAGE, print)
    manifest = document(made.image)
    described = read(made.image, manifest["config"]["digest"])
    assert described["config"]["User"] == "1000:1000"
    assert described["config"]["WorkingDir"] == "/home/job"
    assert "HOME=/home/job" in described["config"]["Env"]
    assert described["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    [command] = machine
    assert any("job:x:1000:1000::/home/job:/bin/bash" in word for word in command)


def test_packages_come_from_the_machines_own_mirrors_of_its_release(machine: list[tuple[str, ...]]) -> None:
    assert debian.sources() == [
        "deb https://mirror.example/debian/ bookworm main",
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        "https://mirror.example/security/ bookworm-security main",
    ]


def test_a_machine_whose_apt_knows_nothing_is_told_what_to_do(
    machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "run", lambda *_, **__: "")
    with pytest.raises(UserError, match=r"no packages of debian bookworm: run `apt-get update`"):
        ensure(IMAGE, print)


def test_nobody_but_root_is_let_try(machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="run this as root"):
        ensure(IMAGE, print)
    assert machine == []


def test_an_image_is_made_once_and_again_when_asked_for_anew(machine: list[tuple[str, ...]]) -> None:
    first = ensure(IMAGE, print)
    assert ensure(IMAGE, print) == first
    assert len(machine) == 1
    assert ensure(IMAGE, print, anew=True).digest == first.digest
    assert len(machine) == 2


def test_other_contents_replace_what_the_store_had_of_that_version(machine: list[tuple[str, ...]]) -> None:
    first = ensure(IMAGE, print)
    other = DebianImage(name="ci", version="7", packages=("git",), user="job")
    second = ensure(other, print)
    assert second.directory != first.directory
    assert not first.directory.exists()


def test_a_failed_making_leaves_what_was_there_before(
    machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure(IMAGE, print)

    def fail(*_: object, **__: object) -> None:
        raise UserError("no such package")

    monkeypatch.setattr(store, "make_root", fail)
    with pytest.raises(UserError, match="no such package"):
        ensure(IMAGE, print, anew=True)
    assert first.digest
    assert [path.name for path in first.directory.parent.iterdir() if path.is_dir()] == [first.directory.name]


def test_the_bill_of_materials_is_about_the_image_and_names_every_package(machine: list[tuple[str, ...]]) -> None:
    made = ensure(IMAGE, print)
    manifest = document(made.bill)
    assert manifest["artifactType"] == manifest["config"]["mediaType"] == bill.MEDIA_TYPE
    assert manifest["subject"]["digest"] == made.digest
    described = read(made.bill, manifest["layers"][0]["digest"])
    assert described["bomFormat"] == "CycloneDX"
    assert {part["purl"] for part in described["components"]} == {
        "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64&distro=debian-bookworm",
        "pkg:deb/debian/ca-certificates@20230311?arch=all&distro=debian-bookworm",
    }
    assert described["metadata"]["component"]["name"] == "ci"


def test_the_bill_of_the_same_archive_is_the_same_bill(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root.tar", STATUS)
    bills = {bill_of_materials("ci", "7", ("debian", "bookworm"), root, "sha256:abc") for _ in range(2)}
    assert len(bills) == 1


@pytest.fixture
def crane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The testbed's crane, and nothing else of its tools."""
    made = tmp_path / "tools" / "crane"
    made.parent.mkdir()
    made.write_text("first")
    tools = Toolchain(bin=made.parent, plugins=made.parent, assets=made.parent, versions={"crane": "0.20.6"})
    monkeypatch.setattr(toolchain, "installed", lambda: tools)
    return made


WITH_CRANE = DebianImage(name="build", version="1", packages=("git",), user="job", programs=("crane",))


def test_a_tool_of_ours_is_in_the_image_and_in_its_bill(machine: list[tuple[str, ...]], crane: Path) -> None:
    made = ensure(WITH_CRANE, print)
    assert f'--customize-hook=install -D --mode=0755 {crane} "$1"/usr/local/bin/crane' in machine[0]
    described = read(made.bill, document(made.bill)["layers"][0]["digest"])
    assert "pkg:golang/github.com/google/go-containerregistry/cmd/crane@v0.20.6" in {
        part["purl"] for part in described["components"]
    }


def test_another_build_of_a_tool_makes_another_image(machine: list[tuple[str, ...]], crane: Path) -> None:
    ensure(WITH_CRANE, print)
    crane.write_text("second")
    ensure(WITH_CRANE, print)
    assert len(machine) == 2


def test_without_the_tools_it_is_said_how_to_get_them(
    machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "installed", lambda: None)
    with pytest.raises(UserError, match="run `bighpc testbed prepare`"):
        ensure(WITH_CRANE, print)


def test_an_archive_without_packages_has_no_bill(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root.tar", None)
    with pytest.raises(UserError, match="nobody knows what it is made of"):
        bill_of_materials("ci", "7", ("debian", "bookworm"), root, "sha256:abc")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry that remembers what was pushed, by suffix."""
    digests: dict[str, str] = {}
    pushed: list[str] = []

    def push(_: Context, layout: Path, repository: str, suffix: str) -> None:
        [entry] = json.loads((layout / "index.json").read_text())["manifests"]
        pushed.append(f"{repository}{suffix}")
        digests[suffix[1:]] = entry["digest"]

    monkeypatch.setattr(publishing, "push", push)
    monkeypatch.setattr(publishing, "pushed_digest", lambda _, __, reference: digests.get(reference))
    return pushed


def test_image_and_bill_are_pushed_once(context: Context, machine: list[tuple[str, ...]], registry: list[str]) -> None:
    reference = publish(context, IMAGE, print)
    made = ensure(IMAGE, print)
    assert reference == f"registry.bighpc.test/ci:7@{made.digest}"
    assert registry == ["ci:7", f"ci@{made.bill_digest}"]
    assert publish(context, IMAGE, print) == reference
    assert len(registry) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [("ID=fedora\nVERSION_ID=42\n", "this machine runs fedora"), ("", "this machine runs unknown")],
)
def test_another_distribution_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str, found: str) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    with pytest.raises(UserError, match=found):
        debian.archive()
