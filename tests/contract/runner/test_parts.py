"""Masking, packing and scripts, each by itself."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import subprocess
import tempfile
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.runner import scripts
from testbed.runner.archiver import matcher
from testbed.runner.containers import Container, Runtime
from testbed.runner.environment import expand
from testbed.runner.executors import Wish
from testbed.runner.masking import Masker
from testbed.runner.model import Image
from testbed.runner.stop import JobError, Reason, Stop, StoppedError
from testbed.runner.workspace import ARCHIVER, Workspace, check_builds, offer

RUNTIME = Runtime(
    command=("ctr",),
    registry="registry.bighpc.test",
    aliases=("127.0.0.1:5000",),
    hosts=Path("/hosts"),
    snapshotter="native",
    cgroup="/bighpc/x/jobs",
)


@given(
    st.lists(st.sampled_from(["hunter2hunter2", "abcabcab", "x", "glpat-", "kkkk", " ", "\n"]), max_size=30), st.data()
)
def test_no_secret_gets_through_wherever_the_stream_is_cut(words: list[str], data: st.DataObject) -> None:
    text = "".join(words).encode()
    masker = Masker(["hunter2hunter2", "abcabcab"], ["glpat-"])
    shown = b""
    while text:
        size = data.draw(st.integers(1, len(text)))
        shown += masker.feed(text[:size])
        text = text[size:]
    shown += masker.close()
    assert b"hunter2hunter2" not in shown
    assert b"abcabcab" not in shown
    assert b"glpat-k" not in shown


def test_masking_leaves_everything_else_alone() -> None:
    masker = Masker(["secret-one"], ["glpat-"])
    assert masker.feed(b"plain text, a secret-") + masker.feed(b"on") == b"plain text, a "
    assert masker.feed(b"ly\n") == b"secret-only\n"
    assert masker.close() == b""


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("dist/*.txt", ["dist/a.txt"], ["dist/deep/a.txt", "dist/a.md"]),
        ("**/*.txt", ["a.txt", "x/y/a.txt"], ["a.md"]),
        ("dist/**", ["dist/a", "dist/x/a"], ["other"]),
        ("./build/", ["build"], ["build2"]),
        ("report.{xml,json}", ["report.xml", "report.json"], ["report.txt", "report.{xml,json}"]),
        ("file[0-9]?", ["file1a"], ["fileaa", "file1/"]),
        ("file[!0-9]", ["filea"], ["file1"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_patterns_mean_what_gitlab_says(pattern: str, fits: list[str], does_not: list[str]) -> None:
    found = matcher([pattern])
    assert found is not None
    assert all(found.fullmatch(name) for name in fits)
    assert not any(found.fullmatch(name) for name in does_not)


def archiver(directory: Path, action: str, content: bytes = b"", **facts: Any) -> subprocess.CompletedProcess[bytes]:
    order = {"action": action, "directory": str(directory), "paths": [], **facts}
    command = [*ARCHIVER, json.dumps(order)]
    with tempfile.TemporaryFile() as source:
        source.write(content)
        source.seek(0)
        return subprocess.run(command, stdin=source, capture_output=True, check=False, timeout=30, cwd="/")


def test_packing_keeps_modes_and_links_and_unpacking_gives_them_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "bin").mkdir(parents=True)
    target.mkdir()
    (source / "bin" / "run").write_text("x")
    (source / "bin" / "run").chmod(0o755)
    (source / "bin" / "link").symlink_to("run")
    packed = archiver(source, "zip", paths=["bin"])
    assert packed.returncode == 0, packed.stderr
    assert archiver(target, "unpack", packed.stdout).returncode == 0
    assert stat.S_IMODE((target / "bin" / "run").stat().st_mode) == 0o755
    assert (target / "bin" / "link").readlink() == Path("run")
    assert archiver(source, "zip", paths=["nothing"]).returncode == 3


def test_reports_are_packed_one_after_another_or_alone(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.xml").write_text("<b/>")
    packed = archiver(tmp_path, "gzip", paths=["*.xml"])
    assert gzip.decompress(packed.stdout) == b"<a/><b/>"
    assert archiver(tmp_path, "raw", paths=["a.xml"]).stdout == b"<a/>"
    several = archiver(tmp_path, "raw", paths=["*.xml"])
    assert (several.returncode, b"a raw report is one file" in several.stderr) == (1, True)


def test_what_is_unpacked_for_a_container_can_be_changed_by_whoever_its_image_runs_as(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True, mode=0o700)
    target.mkdir()
    (source / "deep" / "run").write_text("x")
    (source / "deep" / "run").chmod(0o700)
    packed = archiver(source, "zip", paths=["deep"])
    assert archiver(target, "unpack", packed.stdout, shared=True).returncode == 0
    assert stat.S_IMODE((target / "deep").stat().st_mode) == 0o777
    assert stat.S_IMODE((target / "deep" / "run").stat().st_mode) == 0o766


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "link/out.txt"])
def test_no_archive_writes_outside_of_the_directory(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    done = archiver(inside, "unpack", buffer.getvalue())
    assert done.returncode == 1
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lock a process into a directory")
def test_a_link_out_of_the_workspace_shows_nothing_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of the host")
    builds = tmp_path / "builds"
    check_builds(builds)
    workspace = Workspace(builds, 0, "group/project", containers=True)
    workspace.create()
    workspace.checkout.rmdir()
    workspace.checkout.symlink_to(tmp_path / "outside")
    with (tmp_path / "archive").open("wb") as target, pytest.raises(JobError):
        workspace.pack("zip", ["secret"], (), (), target)
    workspace.remove()
    assert (tmp_path / "outside" / "secret").read_text() == "of the host"


def test_whoever_an_image_runs_as_can_work_behind_the_guard(tmp_path: Path) -> None:
    check_builds(tmp_path / "builds")
    workspace = Workspace(tmp_path / "builds", 0, "group/project", containers=True)
    workspace.create()
    assert stat.S_IMODE(workspace.guard.stat().st_mode) == 0o710
    for directory in (workspace.checkout, workspace.checkout.parent, workspace.home, workspace.temporary):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o777
    assert stat.S_IMODE(workspace.write("script.sh", "true").stat().st_mode) == 0o644


def test_a_workspace_keeps_others_out_and_goes_completely(tmp_path: Path) -> None:
    check_builds(tmp_path / "builds")
    workspace = Workspace(tmp_path / "builds", 1, "group/project")
    workspace.create()
    assert stat.S_IMODE(workspace.guard.stat().st_mode) == 0o710
    file = workspace.write("script.sh", "true")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    if os.geteuid() == 0:
        assert workspace.guard.stat().st_uid == 0, "its user cannot put another directory in its place"
        assert file.stat().st_uid == workspace.user
    workspace.remove()
    assert list((tmp_path / "builds").iterdir()) == []
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="no directory of ours"):
        check_builds(tmp_path / "link")


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_script_stops_at_the_first_failure_also_in_a_pipe(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "script.sh"
    file.write_text(scripts.exports({"A": "it's\n$B", "NOT-A-NAME": "x"}) + scripts.commands(['echo "[$A]"', "exit 3"]))
    done = subprocess.run([shell, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "[it's\n$B]" in done.stdout
    file.write_text(scripts.commands(["false | true", "echo reached"]))
    done = subprocess.run(["bash", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, "\nreached" in done.stdout) == (1, False)


def test_references_to_variables_are_filled_in() -> None:
    assert expand("$A-${A}-$UNKNOWN", {"A": "x"}) == "x-x-$UNKNOWN"


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("python:3.12", "registry.bighpc.test/python:3.12"),
        ("tools/lint", "registry.bighpc.test/tools/lint:latest"),
        ("127.0.0.1:5000/bighpc/app:1", "registry.bighpc.test/bighpc/app:1"),
        ("registry.bighpc.test/app@sha256:abc", "registry.bighpc.test/app@sha256:abc"),
    ],
)
def test_images_are_of_the_local_registry(name: str, full: str) -> None:
    assert RUNTIME.reference(name) == full


def test_an_image_of_another_registry_is_refused_in_words() -> None:
    with pytest.raises(JobError, match="only images of registry.bighpc.test run here") as caught:
        RUNTIME.reference("docker.example/app:1")
    assert caught.value.reason == "image_pull_failure"


def test_a_container_has_limits_and_sees_only_its_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_builds(tmp_path / "builds")
    workspace = Workspace(tmp_path / "builds", 0, "group/project", containers=True)
    workspace.create()
    called: list[list[str]] = []

    def remember(command: list[str], **_: Any) -> int:
        called.append(list(command))
        return 0

    monkeypatch.setattr("testbed.runner.containers.run", remember)
    monkeypatch.setattr(Runtime, "ctr", lambda *_, **__: "")
    authority = tmp_path / "authority.pem"
    authority.touch()
    site = {"PIP_INDEX_URL": "https://me:canary@index.example/simple", "PIP_CERT": str(authority)}
    runtime = replace(RUNTIME, environment=site)
    container = Container(runtime, Image(name="python:3.12", entrypoint=["/init"]), workspace, 42)
    container.prepare(Stop())
    script = workspace.write("script.sh", "true")
    wish = Wish(script=script, variables={"CI_JOB_STATUS": "running"}, output=print, seconds=10, stop=Stop())
    assert container.run(wish) == 0
    (command,) = called
    text = " ".join(command)
    for part in ("--memory-limit", "--cpus", "--seccomp", "--cgroup /bighpc/x/jobs/job-42-1", "--cap-drop CAP_NET_RAW"):
        assert part in text
    assert "--privileged" not in text
    mounts = [word for before, word in pairwise(command) if before == "--mount"]
    sources = {mount.split("src=")[1].split(",")[0]: mount for mount in mounts}
    assert set(sources) == {str(workspace.root), "/etc/resolv.conf", "/etc/hosts", str(authority)}
    assert sources["/etc/hosts"].endswith("rbind:ro")
    after = command[command.index("registry.bighpc.test/python:3.12") :]
    assert after[1:5] == ["job-42-1", "/init", "sh", "-c"]
    assert "canary" not in text, "arguments show in the process list"
    written = Path(command[command.index("--env-file") + 1])
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    wanted = {**site, "CI_JOB_STATUS": "running"}
    assert written.read_text().splitlines() == [f"{key}={value}" for key, value in wanted.items()]


def test_a_cancellation_is_forgiven_once_and_an_end_never() -> None:
    stop = Stop()
    stop.ask(Reason.CANCELED)
    with pytest.raises(StoppedError):
        stop.check()
    stop.forgive()
    stop.ask(Reason.CANCELED)
    stop.check()
    stop.ask(Reason.SHUTDOWN)
    stop.forgive()
    with pytest.raises(StoppedError, match="shutdown"):
        stop.check()


def test_tools_are_offered_from_a_place_that_everybody_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "crane").write_text("#!/bin/sh\necho lifted\n")
    builds = tmp_path / "builds"
    check_builds(builds)
    directory = offer([closed / "crane"], builds)
    assert directory.stat().st_mode & 0o777 == 0o755
    assert subprocess.run([directory / "crane"], capture_output=True, text=True, check=True).stdout == "lifted\n"
    check_builds(builds)
    assert not directory.exists(), "the next start offers them anew"
