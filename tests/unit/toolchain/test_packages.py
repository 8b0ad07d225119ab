"""Tools from npm, against a fake ``npm``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.toolchain import packages
from testbed.toolchain.build import BuildError
from testbed.toolchain.catalog import MODULES, PACKAGES, Package

[PACKAGE] = PACKAGES


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``npm`` that writes down how it was called and does what the file ``behaviour`` says."""
    directory = tmp_path / "path"
    directory.mkdir()
    for name, script in {
        "node": "",
        "npm": f'echo "$*" >> {tmp_path}/calls\n[ -f {tmp_path}/behaviour ] && . {tmp_path}/behaviour\ntrue\n',
    }.items():
        file = directory / name
        file.write_text(f"#!/bin/sh\n{script}")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return tmp_path


def test_a_package_appears_whole_with_a_launcher_and_its_pins(npm: Path) -> None:
    target = npm / "tools" / "one" / "gitlab-ci-local"
    packages.install(PACKAGE, target, npm / "work", lambda: None)
    assert [path.name for path in (npm / "tools").iterdir()] == ["one"], "nothing unfinished is left"
    assert target.stat().st_mode & 0o111
    assert (target.parent / "package-lock.json").is_file()
    assert PACKAGE.program in target.read_text()


def test_scripts_of_packages_are_never_run(npm: Path) -> None:
    packages.install(PACKAGE, npm / "tools" / "one" / "x", npm / "work", lambda: None)
    assert "ci --ignore-scripts --no-audit --no-fund" in (npm / "calls").read_text()


def test_a_failing_npm_leaves_nothing_and_shows_what_it_said(npm: Path) -> None:
    (npm / "behaviour").write_text("echo 'EINTEGRITY sha512' >&2; exit 1")
    with pytest.raises(BuildError, match=r"(?s)gitlab-ci-local .*npm ended with code 1:\nEINTEGRITY.*registry"):
        packages.install(PACKAGE, npm / "tools" / "one" / "x", npm / "work", lambda: None)
    assert list((npm / "tools").iterdir()) == []


def test_without_node_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"node: not found on PATH.*Install Node\.js 18"):
        packages.install(PACKAGE, tmp_path / "tools" / "one" / "x", tmp_path / "work", lambda: None)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_package_is_pinned_with_its_dependencies_and_names_no_address(package: Package) -> None:
    lock = json.loads((MODULES / package.module / "package-lock.json").read_text())
    assert lock["packages"][f"node_modules/{package.name}"]["version"] == package.version
    for name, facts in lock["packages"].items():
        assert "resolved" not in facts, name
        assert not name or "integrity" in facts, name
