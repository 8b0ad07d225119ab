"""The tool store: what is built, what is taken from PATH, and what happens when something is in the way."""

from __future__ import annotations

import os
import shutil
import stat
from collections import namedtuple
from pathlib import Path

import pytest

from testbed.errors import UserError
from testbed.toolchain import build, ensure, installed, packages, store
from testbed.toolchain.catalog import ASSETS, MODULES, PACKAGES, TOOLS, Asset, Package, Tool
from testbed.toolchain.retention import drop_unused


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store, and a PATH with none of the tools on it."""
    monkeypatch.setenv("BIGHPC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "cache"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the compiler; the names of what was built, in order."""
    names: list[str] = []

    def fake(tool: Tool, target: Path, work: Path, tick: object) -> None:
        names.append(tool.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(tool.name)

    monkeypatch.setattr(build, "build", fake)
    monkeypatch.setattr(build, "copy_asset", lambda asset, target, work: target.mkdir())
    monkeypatch.setattr(build, "go_version", lambda: "go1.26.8")
    monkeypatch.setattr(packages, "install", install)
    return names


def install(package: Package, target: Path, work: Path, tick: object) -> None:
    """Stands in for npm."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(package.name)


def official(tmp_path: Path, name: str, answer: str) -> Path:
    """Put an executable on PATH that prints ``answer`` whatever it is asked."""
    file = tmp_path / "path" / name
    file.write_text(f"#!/bin/sh\necho '{answer}'\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_everything_is_built_once_and_found_again(built: list[str]) -> None:
    lines: list[str] = []
    first = ensure(lines.append)
    assert built == [tool.name for tool in TOOLS]
    assert ensure(lines.append) == first == installed()
    assert len(built) == len(TOOLS), "a second run builds nothing"


def test_every_tool_gets_one_line_with_elapsed_and_remaining_time(built: list[str]) -> None:
    lines: list[str] = []
    ensure(lines.append)
    for number, tool in enumerate(TOOLS, start=1):
        [line] = [line for line in lines if line.startswith(f"[{number}/{len(TOOLS)}] {tool.name} ")]
        assert "elapsed" in line
        assert "left" in line


def test_the_need_for_disk_and_time_is_said_before_anything_is_built(built: list[str]) -> None:
    lines: list[str] = []
    ensure(lines.append)
    assert "GiB of disk" in lines[0]
    assert "min on two cores" in lines[0]


def test_an_interrupted_run_goes_on_with_the_next_tool(monkeypatch: pytest.MonkeyPatch, built: list[str]) -> None:
    finished = build.build

    def interrupted(tool: Tool, target: Path, work: Path, tick: object) -> None:
        if tool.name == "kubelet":
            raise KeyboardInterrupt
        finished(tool, target, work, tick)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ensure(lambda _: None)
    assert installed() is None, "half a set is no set"
    before = list(built)
    monkeypatch.setattr(build, "build", finished)
    ensure(lambda _: None)
    assert built == [tool.name for tool in TOOLS], "what was done stays done"
    assert "kubelet" not in before


def test_an_official_binary_of_a_fitting_version_wins(tmp_path: Path, built: list[str]) -> None:
    file = official(tmp_path, "kubelet", "Kubernetes v1.34.9")
    tools = ensure(lambda _: None)
    assert "kubelet" not in built
    assert tools.path("kubelet").resolve() == file
    assert tools.version("kubelet") == "v1.34.9"


@pytest.mark.parametrize("answer", ["Kubernetes v1.33.1", "no version here", ""])
def test_an_official_binary_that_does_not_fit_is_left_alone(tmp_path: Path, built: list[str], answer: str) -> None:
    official(tmp_path, "kubelet", answer)
    ensure(lambda _: None)
    assert "kubelet" in built


def test_an_upgraded_official_binary_is_looked_at_again(tmp_path: Path, built: list[str]) -> None:
    file = official(tmp_path, "etcd", "etcd Version: 3.6.1")
    ensure(lambda _: None)
    assert "etcd" not in built
    official(tmp_path, "etcd", "etcd Version: 3.7.0")
    os.utime(file, (1, 1))
    ensure(lambda _: None)
    assert "etcd" in built


def test_a_removed_binary_is_built_again(cache: Path, built: list[str]) -> None:
    tools = ensure(lambda _: None)
    shutil.rmtree(tools.path("helm").resolve().parent)
    assert installed() is None
    ensure(lambda _: None)
    assert built.count("helm") == 2


def test_too_small_a_disk_is_refused_with_the_need_and_a_way_out(
    monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 2**30))
    with pytest.raises(UserError, match=r"1\.0 GiB are free, but .* needs 14 GiB.*BIGHPC_CACHE"):
        ensure(lambda _: None)
    assert built == []


def test_a_missing_go_toolchain_is_named_with_both_remedies() -> None:
    with pytest.raises(UserError, match="go: not found on PATH.*Install Go.*official binaries"):
        ensure(lambda _: None)


def test_packages_are_installed_once_and_stand_beside_the_tools(
    monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    names: list[str] = []

    def counted(package: Package, target: Path, work: Path, tick: object) -> None:
        names.append(package.name)
        install(package, target, work, tick)

    monkeypatch.setattr(packages, "install", counted)
    lines: list[str] = []
    ensure(lines.append)
    tools = ensure(lines.append)
    assert names == [package.name for package in PACKAGES]
    for package in PACKAGES:
        assert tools.path(package.name).exists()
        assert tools.version(package.name) == f"v{package.version}"
        assert any(line.startswith(f"{package.name} v{package.version}: installed") for line in lines)


def test_an_unknown_tool_is_refused_by_name(built: list[str]) -> None:
    with pytest.raises(KeyError, match="'docker' is no tool of the testbed"):
        ensure(lambda _: None).path("docker")


def test_a_changed_pin_makes_another_key() -> None:
    keys = {store._key(tool) for tool in TOOLS}
    assert len(keys) == len(TOOLS)


@pytest.mark.parametrize("item", [*TOOLS, *ASSETS], ids=lambda item: item.name)
def test_every_entry_is_pinned_in_a_module_of_ours(item: Tool | Asset) -> None:
    pins = (MODULES / item.module / "go.mod").read_text()
    assert (MODULES / item.module / "go.sum").is_file()
    if isinstance(item, Asset):
        assert f"{item.source} v" in pins
    elif not item.package.startswith("./"):
        assert any(f"\t{item.package[: len(module)]}" in pins for module in _prefixes(item.package))


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if not tool.package.startswith("./")], ids=lambda t: t.name)
def test_the_version_in_the_catalogue_is_the_pinned_one(tool: Tool) -> None:
    pins = (MODULES / tool.module / "go.mod").read_text()
    versions = [
        line.split()[1]
        for line in pins.splitlines()
        if line.startswith("\t") and len(line.split()) > 1 and line.split()[0] in _prefixes(tool.package)
    ]
    assert f"v{tool.version}" in versions


def _prefixes(package: str) -> list[str]:
    parts = package.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]


def aged(directory: Path, days: int) -> None:
    """Make a directory look as if nobody had used it for so long."""
    then = directory.stat().st_mtime - days * 24 * 3600
    os.utime(directory, (then, then))


def test_what_no_set_has_used_for_a_month_goes_and_the_rest_stays(built: list[str], cache: Path) -> None:
    old, recent = (cache / "tools" / name / "helm" for name in ("helm-2.0.0-old", "helm-2.0.0-recent"))
    for file in (old, recent):
        file.parent.mkdir(parents=True)
        file.touch()
    forgotten = cache / "sets" / "forgotten"
    (forgotten / "bin").mkdir(parents=True)
    (forgotten / "bin" / "helm").symlink_to(old)
    aged(old.parent, 31)
    aged(forgotten, 31)
    tools = ensure(lambda line: None)
    assert not forgotten.exists()
    assert not old.parent.exists(), "only a forgotten set referred to it"
    assert recent.parent.exists(), "an interrupted build may go on with it"
    assert tools.path("helm").exists()


def test_using_a_set_keeps_it(built: list[str], cache: Path) -> None:
    ensure(lambda line: None)
    [root] = (cache / "sets").iterdir()
    aged(root, 29)
    assert installed()
    aged(root, 2)
    drop_unused(cache)
    assert root.exists()


def test_other_flags_make_other_tools(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(lambda line: None)
    given = build.flags
    monkeypatch.setattr(build, "flags", lambda tool: [*given(tool), "-race"] if tool.name == "helm" else given(tool))
    ensure(lambda line: None)
    assert built[len(TOOLS) :] == ["helm"]


def test_a_testbeds_own_programs_on_path_are_not_somebody_elses(
    built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGHPC_STATE", str(tmp_path / "state"))
    tools = ensure(lambda line: None)
    own = tmp_path / "state" / "default" / "bin"
    own.mkdir(parents=True)
    shutil.copy(official(tmp_path, "pulumi", "v3.274.1"), own / "pulumi")
    (tmp_path / "path" / "pulumi").unlink()
    monkeypatch.setenv("PATH", str(own))
    assert installed() == tools, "what `testbed env` exports changes nothing"
