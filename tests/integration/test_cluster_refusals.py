"""What is in the way of a testbed is named, with the remedy and a non-zero exit code; there is no false success."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.host.ports import USUAL
from tests.integration.own_testbed import BIGHPC, OwnTestbed, own_testbed

pytestmark = pytest.mark.integration

NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@pytest.fixture
def fresh() -> Iterator[OwnTestbed]:
    """A testbed that was never up."""
    with own_testbed("r") as testbed:
        yield testbed


def test_a_port_chosen_by_a_person_and_taken_is_refused(fresh: OwnTestbed) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        port = server.getsockname()[1]
        code, said = fresh.run("up", "--port", f"gitlab={port}", "--no-real-node")
    assert code == 1
    assert f"port {port}, chosen for gitlab, is taken by" in said
    assert f"(pid {os.getpid()})" in said


def test_a_usual_port_that_is_taken_is_replaced(fresh: OwnTestbed) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", USUAL["registry"]))
            server.listen(1)
        except OSError:
            pass  # Taken already, by another testbed: just as good.
        fresh.up("--no-real-node", "--simulated-nodes", "0")
    assert fresh.context.ports["registry"] > USUAL["registry"]


def test_a_full_disk_is_refused_before_anything_starts(fresh: OwnTestbed, tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", tmp_path], check=True)
    try:
        small = OwnTestbed(name=fresh.name, environment={**fresh.environment, "BIGHPC_STATE": str(tmp_path)})
        code, said = small.run("up")
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    assert code == 1
    assert "0.1 GiB are free where a testbed needs 2 GiB" in said
    assert "BIGHPC_STATE" in said


def test_without_root_only_simulated_nodes_come_up_and_it_says_so(fresh: OwnTestbed) -> None:
    runtime = Path(fresh.environment["BIGHPC_STATE"]) / "runtime"
    runtime.mkdir()
    # Another user's testbeds are not seen before they listen, so that the ports of this one are chosen.
    ports = " ".join(f"--port {name}={usual + 11_000}" for name, usual in USUAL.items())
    # In one shell: a second user namespace would be another user's in the kernel's eyes.
    commands = (f"up --simulated-nodes 1 {ports}", "status", "down")
    script = " && ".join(f"{BIGHPC} testbed {command} --name {fresh.name}" for command in commands)
    done = subprocess.run(
        [*NOT_ROOT, "bash", "-c", script],
        env={**fresh.environment, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "simulated nodes only, no container runs: you are not root" in done.stderr
    assert "simulated-0" in done.stdout
    assert "testbed-0" not in done.stdout


def test_a_real_node_asked_for_without_root_is_refused(fresh: OwnTestbed) -> None:
    code, said = fresh.run("up", "--real-node", prefix=NOT_ROOT)
    assert code == 1
    assert "a real node is not possible: you are not root" in said


def test_a_kernel_without_rights_to_namespaces_is_refused_with_the_remedy(fresh: OwnTestbed) -> None:
    code, said = fresh.run("up", prefix=("setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all"))
    assert code == 1
    assert "this kernel lacks" in said or "cannot be made here" in said
    assert "--no-real-node" in said


def test_the_name_of_a_running_testbed_elsewhere_is_refused(testbed: OwnTestbed, fresh: OwnTestbed) -> None:
    same_name = OwnTestbed(name=testbed.name, environment=fresh.environment)
    code, said = same_name.run("up")
    assert code == 1
    assert f"'{testbed.name}' is in use by the running testbed in" in said
    assert testbed.unready() == {}


@pytest.mark.parametrize("name", ["Upper", "much-too-long-a-name", "-x", ""])
def test_a_bad_name_is_refused_with_the_rule(fresh: OwnTestbed, name: str) -> None:
    code, said = OwnTestbed(name=name, environment=fresh.environment).run("up")
    assert code == 1
    assert "use 1 to 11 lower-case letters, digits or inner hyphens" in said


def test_a_testbed_that_never_was_is_named(fresh: OwnTestbed) -> None:
    for command in ("status", "env", "down"):
        code, said = fresh.run(command)
        assert code == 1
        assert fresh.name in said
