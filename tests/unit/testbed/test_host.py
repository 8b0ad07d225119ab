from __future__ import annotations

import io
from collections import namedtuple
from pathlib import Path

import pytest
from rich.console import Console

from testbed.errors import UserError
from testbed.host import packages, preflight
from testbed.layout import Layout
from testbed.progress import Progress

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(file=io.StringIO()))


def commands(monkeypatch: pytest.MonkeyPatch, *absent: str, cni: bool = True) -> None:
    """A machine without these commands."""
    monkeypatch.setattr(packages, "find_command", lambda name: None if name in absent else f"/usr/bin/{name}")
    monkeypatch.setattr(packages, "cni_directory", lambda: Path("/usr/lib/cni") if cni else None)


def test_missing_commands_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    commands(monkeypatch, "nft", "runc", cni=False)
    assert packages.missing(real_node=True) == ["containernetworking-plugins", "nftables", "runc"]


def test_packages_of_the_node_are_not_missed_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    commands(monkeypatch, "nft", "runc", "rsync", cni=False)
    assert packages.missing(real_node=False) == ["rsync"]


def test_on_another_system_the_command_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("testbed.host.packages.shutil.which", lambda _: None)
    with pytest.raises(UserError, match="missing system packages: rsync; .*sudo apt-get install .* rsync"):
        packages.install(["rsync"], log=tmp_path / "log")


def test_a_user_cannot_install_and_gets_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, progress: Progress
) -> None:
    commands(monkeypatch, "rsync")
    monkeypatch.setattr("testbed.host.packages.os.geteuid", lambda: 1000)
    with pytest.raises(UserError, match="sudo apt-get install"):
        preflight.ensure_packages(real_node=False, progress=progress, log=tmp_path / "log")


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package manager that notes what it is asked and whether services may start."""
    notes = tmp_path / "notes"
    program = tmp_path / "apt-get"
    policy = tmp_path / "policy-rc.d"
    program.write_text(
        f'#!/bin/sh\necho "$1 $([ -x {policy} ] && {policy}; echo $?)" >> {notes}\n'
        f'case "$*" in *broken*) echo "E: Unable to locate package broken"; exit 100;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("testbed.host.packages.shutil.which", lambda name: str(program) if name == "apt-get" else None)
    monkeypatch.setattr("testbed.host.packages.os.geteuid", lambda: 0)
    monkeypatch.setattr(packages, "_POLICY", policy)
    return notes


def test_installing_starts_no_service_and_leaves_no_policy(apt: Path, tmp_path: Path) -> None:
    packages.install(["redis-server"], log=tmp_path / "log")
    assert apt.read_text().splitlines() == ["update 101", "install 101"], "101: starting is not allowed"
    assert not (tmp_path / "policy-rc.d").exists()


def test_a_policy_of_the_machine_is_left_alone(apt: Path, tmp_path: Path) -> None:
    (tmp_path / "policy-rc.d").write_text("#!/bin/sh\nexit 0\n")
    packages.install(["redis-server"], log=tmp_path / "log")
    assert (tmp_path / "policy-rc.d").read_text() == "#!/bin/sh\nexit 0\n"


@pytest.mark.usefixtures("apt")
def test_a_failed_installation_shows_what_the_package_manager_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"could not install broken .*ended with 100.*\n.*Unable to locate"):
        packages.install(["broken"], log=tmp_path / "log")


def test_too_little_disk_is_refused_with_the_remedy(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.host.preflight.shutil.disk_usage", lambda _: Usage(10, 9, 2**29))
    with pytest.raises(UserError, match="0.5 GiB are free where a testbed needs 2 GiB; .*BIGHPC_STATE"):
        preflight.check_disk(layout)


def test_a_path_too_long_for_sockets_is_refused(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "run", Path("/" + "x" * 100))
    with pytest.raises(UserError, match="too long a path for Unix sockets"):
        preflight.check_disk(layout)


def test_every_missing_kernel_feature_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "succeeds", lambda *_: False)
    monkeypatch.setattr(preflight, "hierarchies", lambda _: {})
    with pytest.raises(UserError, match="control groups.*nf_tables.*veth.*use --no-real-node"):
        preflight.check_kernel()


@pytest.mark.parametrize(
    ("platform", "user", "obstacle"),
    [("darwin", 0, "darwin, not Linux"), ("linux", 1000, "not root"), ("linux", 0, None)],
)
def test_a_real_node_needs_linux_and_root(
    monkeypatch: pytest.MonkeyPatch, platform: str, user: int, obstacle: str | None
) -> None:
    monkeypatch.setattr("testbed.host.preflight.sys.platform", platform)
    monkeypatch.setattr("testbed.host.preflight.os.geteuid", lambda: user)
    found = preflight.real_node_possible()
    assert (found or "").endswith(obstacle or "")
    assert (found is None) is (obstacle is None)
