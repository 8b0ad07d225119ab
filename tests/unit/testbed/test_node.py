from __future__ import annotations

import ipaddress
import json
import tomllib
from pathlib import Path

import pytest
import yaml

from testbed.context import Context
from testbed.errors import UserError
from testbed.layout import Layout, NetworkBlock
from testbed.node import cgroups, namespaces, runtime
from testbed.node.cgroups import cgroup_path, create_cgroups, hierarchies, remove_cgroups
from testbed.node.namespaces import enter, link_name, overlapping_route
from testbed.node.node import node_items
from testbed.processes import Process

V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"


@pytest.fixture
def items(context: Context, monkeypatch: pytest.MonkeyPatch) -> dict[str, Process]:
    """The node's processes on a machine that has what they need."""
    monkeypatch.setattr(runtime, "find_command", lambda command: f"/usr/bin/{command}")
    monkeypatch.setattr(runtime, "cni_directory", lambda: Path("/usr/lib/cni"))
    monkeypatch.setattr(runtime, "run", lambda *_: "containerd 1.7.24")
    monkeypatch.setattr(runtime, "_overlay_works", lambda _: True)
    return {item.name: item for item in node_items(context) if isinstance(item, Process)}


@pytest.mark.usefixtures("items")
def test_containerd_shares_nothing_with_another_one(context: Context) -> None:
    config = tomllib.loads((context.layout.config / "containerd.toml").read_text())
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    own = [
        config["root"],
        config["state"],
        config["grpc"]["address"],
        cri["cni"]["conf_dir"],
        cri["registry"]["config_path"],
        cri["containerd"]["runtimes"]["runc"]["options"]["Root"],
    ]
    places = (context.layout.root, context.layout.run)
    assert all(any(Path(path).is_relative_to(place) for place in places) for path in own), own
    assert cri["netns_mounts_under_state_dir"] is True


@pytest.mark.usefixtures("items")
def test_images_of_the_testbed_come_from_its_own_registry(context: Context) -> None:
    hosts = tomllib.loads((context.layout.config / "registries" / "registry.bighpc.test" / "hosts.toml").read_text())
    assert hosts["server"] == "http://10.222.0.1:5000"


@pytest.mark.usefixtures("items")
def test_pods_get_addresses_of_the_testbeds_block(context: Context) -> None:
    network = json.loads((context.layout.config / "cni" / "10-bighpc.conflist").read_text())
    subnet = ipaddress.IPv4Network(network["plugins"][0]["ipam"]["subnet"])
    assert subnet == context.network.pods


@pytest.mark.usefixtures("items")
def test_the_kubelet_refuses_anonymous_requests_and_asks_the_cluster_about_others(context: Context) -> None:
    config = yaml.safe_load((context.layout.config / "kubelet.yaml").read_text())
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["address"] == context.network.node
    assert config["cgroupRoot"] == "/bighpc/paper"


@pytest.mark.parametrize("name", ["containerd", "kubelet", "kube-proxy"])
def test_the_nodes_processes_run_in_its_namespaces(items: dict[str, Process], layout: Layout, name: str) -> None:
    assert items[name].command[:4] == enter(layout)


def test_the_kubelet_waits_for_what_its_first_pod_needs(items: dict[str, Process]) -> None:
    assert {"containerd", "pause-image", "cluster-objects", "node-link"} <= set(items["kubelet"].after)


def test_containerd_that_is_not_installed_names_the_command(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_command", lambda _: None)
    with pytest.raises(UserError, match="containerd is not installed; install it with `sudo apt-get install"):
        runtime.containerd(context)


def test_hierarchies_of_both_versions_are_found() -> None:
    assert set(hierarchies(V1)) == {"rw,relatime,cpu", "rw,relatime,memory", "unified"}
    assert hierarchies(V2) == {"unified": Path("/sys/fs/cgroup")}


@pytest.fixture
def paper_cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directories that look like a v1 cpuset hierarchy and a v2 one."""
    cpuset, unified = tmp_path / "cpuset", tmp_path / "unified"
    for directory in (cpuset, unified):
        directory.mkdir()
    (cpuset / "cpuset.cpus").write_text("0-1\n")
    (cpuset / "cpuset.mems").write_text("0\n")
    (unified / "cgroup.controllers").write_text("cpu memory pids\n")
    (unified / "cgroup.subtree_control").write_text("")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"cgroup {cpuset} cgroup rw,cpuset 0 0\ncgroup2 {unified} cgroup2 rw 0 0\n")
    monkeypatch.setattr(cgroups, "_MOUNTS", mounts)
    return tmp_path


def test_the_group_is_made_in_every_hierarchy(paper_cgroups: Path, layout: Layout) -> None:
    create_cgroups(layout)
    for hierarchy in ("cpuset", "unified"):
        assert (paper_cgroups / hierarchy / cgroup_path(layout).strip("/")).is_dir()
    assert (paper_cgroups / "unified" / "cgroup.subtree_control").read_text() == "+pids", "the last one delegated"


def test_groups_are_removed_with_the_parent_when_nobody_else_is_in_it(paper_cgroups: Path, layout: Layout) -> None:
    create_cgroups(layout)
    (paper_cgroups / "unified" / "bighpc" / "another").mkdir()
    remove_cgroups(layout)
    assert not (paper_cgroups / "cpuset" / "bighpc").exists()
    assert [path.name for path in (paper_cgroups / "unified" / "bighpc").iterdir()] == ["another"]


def test_a_kernel_that_refuses_groups_is_reported_with_the_remedy(paper_cgroups: Path, layout: Layout) -> None:
    (paper_cgroups / "unified" / "bighpc").write_text("in the way")
    with pytest.raises(UserError, match=r"refuses a control group .* use --no-real-node"):
        create_cgroups(layout)


@pytest.mark.parametrize(
    ("destination", "device", "overlaps"),
    [
        ("10.222.5.0/24", "docker0", True),
        ("10.222.0.0/16", "wg0", True),
        ("10.220.0.0/14", "wg0", True),
        ("10.222.0.1", "other", True),
        ("10.222.0.0/30", "bh-paper", False),
        ("10.223.0.0/16", "docker0", False),
        ("10.0.0.0/8", "tun0", False),
        ("default", "eth0", False),
    ],
)
def test_only_routes_that_get_in_the_way_count(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, destination: str, device: str, overlaps: bool
) -> None:
    routes = json.dumps([{"dst": destination, "dev": device}])
    monkeypatch.setattr(namespaces, "run", lambda *_: routes)
    found = overlapping_route(NetworkBlock(index=222), ignored_device=link_name(layout))
    assert (found is not None) is overlaps


def test_device_names_fit_the_kernels_limit() -> None:
    assert len(link_name(Layout(name="a" * 11))) <= 15
