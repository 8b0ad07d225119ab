"""What the operator's runs get, and the python3 that makes their virtual environments."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from testbed import workspace_python
from testbed.context import Context
from testbed.delivery import operator as operator_module
from testbed.delivery.operator import credentials, operator
from testbed.environment import variables
from testbed.stacks import ORDER


def test_a_run_gets_what_a_persons_shell_has(context: Context) -> None:
    shell = variables(context)
    found = {each["metadata"]["name"]: each["stringData"] for each in credentials(context)}
    assert list(found) == [f"bighpc-{stack}-credentials" for stack in ORDER]
    for given in found.values():
        same = {name for name in shell if given.get(name) == shell[name]}
        assert set(shell) - same == {"KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE"}
        assert given["PULUMI_CONFIG_PASSPHRASE"] == context.secret("pulumi-passphrase")
        assert sorted(given) == shell["BIGHPC_OPERATOR_VARIABLES"].split(","), "what the program declares is there"


def test_a_run_reaches_the_cluster_as_its_own_account(context: Context) -> None:
    for given in credentials(context):
        kubeconfig = yaml.safe_load(Path(given["stringData"]["KUBECONFIG"]).read_text())
        stack = given["stringData"]["KUBECONFIG"].rpartition("operator-")[2].removesuffix(".kubeconfig")
        assert kubeconfig["users"][0]["name"] == f"system:serviceaccount:pulumi-operator:pulumi-{stack}"


def test_the_operators_process_has_no_secret(context: Context) -> None:
    process = operator(context, after=())
    secrets = {context.secret(name) for name in ("gitlab-token", "pulumi-passphrase", "argocd-webhook")}
    assert not secrets & set(process.environment.values())
    assert "GITLAB_TOKEN" not in process.environment


def test_the_operator_finds_our_python_first(context: Context) -> None:
    process = operator(context, after=())
    python = Path(process.environment["PATH"].split(":")[0]) / "python3"
    said = subprocess.run([python, "-c", "print(6 * 7)"], capture_output=True, text=True, check=True)
    assert said.stdout == "42\n", "any other call is Python's"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has checkouts in memory, as /dev/shm is every user's")
def test_checkouts_are_in_memory_where_there_is_room(context: Context) -> None:
    memory = context.layout.memory
    assert operator(context, after=()).environment["TMPDIR"] == str(memory)
    assert memory.stat().st_mode & 0o777 == 0o700


def test_checkouts_are_on_disk_where_memory_is_small(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_module, "_SCRATCH_BYTES", 1 << 60)
    assert operator(context, after=()).environment["TMPDIR"] == str(context.layout.data / "operator" / "tmp")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has checkouts in memory, as /dev/shm is every user's")
def test_memory_that_fills_does_not_move_the_checkouts_of_an_operator(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = operator(context, after=()).environment["TMPDIR"]
    monkeypatch.setattr(operator_module, "_SCRATCH_BYTES", 1 << 60)
    assert operator(context, after=()).environment["TMPDIR"] == before == str(context.layout.memory)


def test_what_somebody_else_made_is_not_used(context: Context) -> None:
    memory = context.layout.memory
    memory.symlink_to(memory.parent)
    assert operator(context, after=()).environment["TMPDIR"] == str(context.layout.data / "operator" / "tmp")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of the operator's, whose requirements nobody has installed yet."""
    monkeypatch.setenv("BIGHPC_CACHE", str(tmp_path / "cache"))
    directory = tmp_path / "workspace"
    directory.mkdir()
    (directory / "requirements.txt").write_text("some-package==1.0\n")
    monkeypatch.chdir(directory)
    return directory


def installed(kept: Path, python: str) -> None:
    """Stands in for pip: a package that is there at once."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(kept)
    (workspace_python._site_packages(kept) / "some_package.py").write_text("ANSWER = 42\n")


def test_the_packages_are_installed_once_and_lent_to_each_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installs: list[Path] = []

    def install(kept: Path, python: str) -> None:
        installs.append(kept)
        installed(kept, python)

    monkeypatch.setattr(workspace_python, "_install", install)
    for name in (".venv", ".venv-of-another-run"):
        assert workspace_python.main(["-m", "venv", name]) == 0
        run = [str(workspace / name / "bin" / "python"), "-c", "import some_package; print(some_package.ANSWER)"]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "42\n"
    assert len(installs) == 1


def test_other_requirements_are_another_environment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installs: list[Path] = []

    def install(kept: Path, python: str) -> None:
        installs.append(kept)
        installed(kept, python)

    monkeypatch.setattr(workspace_python, "_install", install)
    workspace_python.main(["-m", "venv", "first"])
    (workspace / "requirements.txt").write_text("some-package==2.0\n")
    workspace_python.main(["-m", "venv", "second"])
    assert len(set(installs)) == 2


def test_nothing_gets_from_an_index_into_what_is_kept(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_python, "_install", installed)
    workspace_python.main(["-m", "venv", ".venv"])
    assert "no-index = true" in (workspace / ".venv" / "pip.conf").read_text()


@pytest.mark.parametrize("call", [workspace_python._UPGRADE, workspace_python._INSTALL])
def test_pip_has_nothing_left_to_do(workspace: Path, monkeypatch: pytest.MonkeyPatch, call: tuple[str, ...]) -> None:
    monkeypatch.setattr(workspace_python, "_install", installed)
    workspace_python.main(["-m", "venv", ".venv"])
    # There is no pip in this environment: only a call that is answered can end well.
    subprocess.run([".venv/bin/python", *call], check=True)


def test_other_requirements_and_other_calls_go_to_pip(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_python, "_install", installed)
    workspace_python.main(["-m", "venv", ".venv"])
    (workspace / "requirements.txt").write_text("another-package==1.0\n")
    for call in (workspace_python._INSTALL, ("-m", "pip", "install", "another-package")):
        done = subprocess.run([".venv/bin/python", *call], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "No module named pip" in done.stderr


def test_an_installation_that_failed_is_begun_anew(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(kept: Path, python: str) -> None:
        kept.mkdir()
        raise subprocess.CalledProcessError(3, "pip")

    monkeypatch.setattr(workspace_python, "_install", refused)
    assert workspace_python.main(["-m", "venv", ".venv"]) == 3, "the operator reports it"
    monkeypatch.setattr(workspace_python, "_install", installed)
    assert workspace_python.main(["-m", "venv", ".venv"]) == 0


@pytest.mark.parametrize("arguments", [["-m", "pip", "--version"], ["-m", "venv", "--help"], ["script.py"]])
def test_any_other_call_becomes_python(workspace: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    become: list[list[str]] = []

    def execv(program: str, words: list[str]) -> None:
        become.append(words)
        raise SystemExit

    monkeypatch.setattr("os.execv", execv)
    if "venv" in arguments:
        (workspace / "requirements.txt").unlink()
    with pytest.raises(SystemExit):
        workspace_python.main(arguments)
    assert become == [[f"{sys.prefix}/bin/python", *arguments]]
