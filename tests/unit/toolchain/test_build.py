"""The build itself, against a fake ``go``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.toolchain import build
from testbed.toolchain.build import BuildError
from testbed.toolchain.catalog import MODULES, TOOLS, Patch, Tool

TOOL = Tool(name="pause", module="cluster", package="./pause", version="1.0.0", seconds=1, stamp=("main.v=1",))


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``go`` that writes down how it was called and does what the file ``behaviour`` says."""
    directory = tmp_path / "path"
    directory.mkdir()
    script = directory / "go"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$PWD|$GOFLAGS|$GOCACHE|$*" >> {tmp_path}/calls\n'
        f"[ -f {tmp_path}/behaviour ] && . {tmp_path}/behaviour\n"
        'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo binary > "$2"; shift; done\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return tmp_path


def test_a_tool_appears_whole_and_stamped(go: Path) -> None:
    target = go / "tools" / "pause"
    build.build(TOOL, target, go / "work", lambda: None)
    assert target.read_text() == "binary\n"
    directory, flags, cache, arguments = (go / "calls").read_text().strip().split("|")
    assert Path(directory) == MODULES / "cluster"
    assert flags == "", "a person's GOFLAGS must not change what is built"
    assert cache == str(go / "work" / "build-cluster")
    assert "-X main.v=1" in arguments
    assert "-mod=readonly" in arguments
    assert sorted(path.name for path in target.parent.iterdir()) == ["pause"]


def test_a_failing_build_leaves_nothing_and_shows_the_compiler(go: Path) -> None:
    (go / "behaviour").write_text("echo 'undefined: x' >&2; exit 2")
    with pytest.raises(BuildError, match=r"pause 1\.0\.0: go build ended with code 2:\nundefined: x\n.*pause\.log"):
        build.build(TOOL, go / "tools" / "pause", go / "work", lambda: None)
    assert list((go / "tools").iterdir()) == []


def test_an_interruption_ends_the_compiler(go: Path) -> None:
    (go / "behaviour").write_text(f"echo $$ > {go}/pid; exec sleep 60")

    def interrupt() -> None:
        if (go / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.build(TOOL, go / "tools" / "pause", go / "work", interrupt)
    assert not Path(f"/proc/{(go / 'pid').read_text().strip()}").exists()
    assert list((go / "tools").iterdir()) == []


def patched(go: Path, text: str) -> Tool:
    source = go / "module"
    source.mkdir()
    (source / "main.go").write_text(text)
    source.chmod(0o555)
    answer = json.dumps({"Dir": str(source)})
    (go / "behaviour").write_text(f"case \"$*\" in *download*) echo '{answer}'; exit 0;; esac")
    return Tool(
        name="patched",
        module="operator",
        package="example.test/cmd",
        version="1.0.0",
        seconds=1,
        patch=Patch(module="example.test", file="main.go", old='"0.0.0.0"', new='"127.0.0.1"'),
    )


def test_a_patch_is_applied_to_a_copy_that_the_build_uses(go: Path) -> None:
    tool = patched(go, 'listen("0.0.0.0")')
    build.build(tool, go / "tools" / "patched", go / "work", lambda: None)
    assert (go / "module" / "main.go").read_text() == 'listen("0.0.0.0")'
    assert (go / "work" / "patched.source" / "main.go").read_text() == 'listen("127.0.0.1")'
    work = go / "work"
    assert f"-modfile {work}/patched.mod" in (go / "calls").read_text()
    assert f"replace example.test => {work}/patched.source" in (work / "patched.mod").read_text()


def test_a_patch_is_applied_to_each_of_its_files(go: Path) -> None:
    tool = patched(go, 'listen("0.0.0.0")')
    (go / "module").chmod(0o755)
    (go / "module" / "other.go").write_text('serve("0.0.0.0")')
    assert tool.patch is not None
    tool = replace(tool, patch=replace(tool.patch, file="main.go other.go"))
    build.build(tool, go / "tools" / "patched", go / "work", lambda: None)
    texts = [(go / "work" / "patched.source" / name).read_text() for name in ("main.go", "other.go")]
    assert texts == ['listen("127.0.0.1")', 'serve("127.0.0.1")']


def test_a_patch_that_no_longer_fits_is_refused(go: Path) -> None:
    tool = patched(go, 'listen("0.0.0.0"); listen("0.0.0.0")')
    with pytest.raises(BuildError, match="occurs 2 times in example.test/main.go, not once"):
        build.build(tool, go / "tools" / "patched", go / "work", lambda: None)


def test_the_work_directory_goes_when_the_tools_are_done(go: Path) -> None:
    (go / "work" / "modules").mkdir(parents=True)
    build.drop_caches(go / "work")
    assert not (go / "work").exists()


def test_no_tool_listens_on_every_interface_for_want_of_a_setting() -> None:
    """Both programs that cannot be told by a flag are patched."""
    listening = {tool.name for tool in TOOLS if tool.patch and "%d" in tool.patch.old}
    assert listening == {"argocd", "pulumi-kubernetes-operator"}
