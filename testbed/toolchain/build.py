"""Runs the Go toolchain: one tool at a time, with a build cache per module that goes when the module is done."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.errors import UserError
from testbed.toolchain.catalog import MODULES, Asset, Tool

__all__ = ["BuildError", "build", "copy_asset", "drop_caches", "flags", "go_version", "one_at_a_time", "run_logged"]

# Generated or rarely executed packages: compiling them without optimisation halves the build time and costs nothing
# that a testbed could notice.
_COLD = (
    "cloud.google.com/go",
    "code.gitea.io",
    "github.com/Azure",
    "github.com/DataDog",
    "github.com/alecthomas/chroma",
    "github.com/argoproj/argo-cd/v3/pkg/apiclient",
    "github.com/argoproj/argo-cd/v3/pkg/client",
    "github.com/aws",
    "github.com/charmbracelet",
    "github.com/cncf",
    "github.com/envoyproxy",
    "github.com/google/go-github",
    "github.com/googleapis",
    "github.com/hashicorp",
    "github.com/microsoft",
    "github.com/pulumi/pulumi-kubernetes/sdk/v4",
    "github.com/pulumi/pulumi/pkg/v3/codegen",
    "github.com/pulumi/pulumi/sdk/v3/go/pulumi",
    "gitlab.com/gitlab-org",
    "google.golang.org/api",
    "google.golang.org/genproto",
    "k8s.io/cli-runtime",
    "k8s.io/client-go/applyconfigurations",
    "k8s.io/client-go/informers",
    "k8s.io/client-go/kubernetes",
    "k8s.io/client-go/listers",
    "k8s.io/kubectl",
    "k8s.io/kubernetes/pkg/generated",
)


class BuildError(UserError):
    """A tool could not be built; the message holds the compiler's last lines and what to do."""


def go_version() -> str:
    """The Go toolchain's version, for example ``go1.26.8``.

    Raises:
        BuildError: when no Go toolchain is installed.
    """
    go = shutil.which("go")
    if go is None:
        raise BuildError(
            "go: not found on PATH, and tools must be built. Install Go 1.26 or newer, or put official binaries of the "
            "missing tools on PATH"
        )
    # Asked outside any module, so that no go.mod switches the toolchain.
    run = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True, cwd="/")
    return run.stdout.strip()


def flags(tool: Tool) -> list[str]:
    """What the compiler and the linker are told; other flags make another binary."""
    told = ["-mod=readonly", "-trimpath", "-buildvcs=false"]
    told += ["-ldflags", " ".join(["-s", "-w", *(f"-X {assignment}" for assignment in tool.stamp)])]
    # Stripped binaries carry no debug information, so none is made.
    told += ["-gcflags", "all=-dwarf=false"]
    for package in _COLD:
        told += ["-gcflags", f"{package}/...=-N -l -dwarf=false"]
    return told


def build(tool: Tool, target: Path, work: Path, tick: Callable[[], None]) -> None:
    """Build ``tool`` into the file ``target``.

    Args:
        tool: what to build.
        target: appears complete or not at all.
        work: directory for build and module caches; survives an interruption, so that a later run goes on from there.
        tick: called about four times a second while the compiler runs.

    Raises:
        BuildError: when the compiler fails.
    """
    source = MODULES / tool.module
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    log = work / f"{tool.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        laid = [*_overlay(tool, work), *_patched(tool, work)]
        command = ["go", "build", *flags(tool), *laid, "-o", str(partial), tool.package]
        code = run_logged(command, source, log, _environment(tool.module, work), tick)
        if code != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise BuildError(
                f"{tool.name} {tool.version}: go build ended with code {code}:\n{tail}\n"
                f"The whole output is in {log}; run the same command again to go on from here"
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def copy_asset(asset: Asset, target: Path, work: Path) -> None:
    """Copy an asset's files out of its Go module into the directory ``target``."""
    source = _module_directory(asset.source, asset.module, work) / asset.directory
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    _copy(source, partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)


def drop_caches(work: Path, module: str | None = None) -> None:
    """Remove the build cache of one module, or everything below ``work``."""
    if module is not None:
        shutil.rmtree(work / f"build-{module}", ignore_errors=True)
        return
    modules = work / "modules"
    if modules.exists():
        # Go makes its module cache read-only.
        subprocess.run(["go", "clean", "-modcache"], env=_environment("", work), check=False, cwd="/")
    shutil.rmtree(work, ignore_errors=True)


def _environment(module: str, work: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / f"build-{module}"),
        "GOFLAGS": "",
        # The compiler spends a fifth of its time collecting garbage at the default setting: it collects only when one
        # of its processes (as many as cores run) nears a share of the machine's memory.
        "GOGC": os.environ.get("GOGC", "off"),
        "GOMEMLIMIT": os.environ.get("GOMEMLIMIT", str(_memory() // (2 * (os.cpu_count() or 1)))),
        "GOMODCACHE": str(work / "modules"),
        "GOWORK": "off",
    }


def _memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _module_directory(path: str, module: str, work: Path) -> Path:
    run = subprocess.run(
        ["go", "mod", "download", "-json", path],
        cwd=MODULES / module,
        env=_environment(module, work),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise BuildError(f"{path}: cannot be downloaded: {(run.stderr or run.stdout).strip()}. Is GOPROXY reachable?")
    return Path(json.loads(run.stdout)["Dir"])


def _copy(source: Path, target: Path) -> None:
    """Copy a directory of the module cache, which is read-only, into one that can be changed and removed."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for directory in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        directory.chmod(0o755)


def _overlay(tool: Tool, work: Path) -> list[str]:
    """Flags that lay files of Go modules where ``go:embed`` of our own main expects them."""
    if not tool.overlay:
        return []
    replace = {
        str(MODULES / tool.module / ours): str(_module_directory(path, tool.module, work) / theirs)
        for ours, path, theirs in tool.overlay
    }
    file = work / f"{tool.name}.overlay.json"
    file.write_text(json.dumps({"Replace": replace}))
    return ["-overlay", str(file)]


def _patched(tool: Tool, work: Path) -> list[str]:
    """Flags that build from a copy of one module in which the tool's patch is applied.

    Raises:
        BuildError: when the text to replace is not there exactly once, as after an upgrade.
    """
    patch = tool.patch
    if patch is None:
        return []
    copy = work / f"{tool.name}.source"
    files = [copy / name for name in patch.file.split()]
    if not all(file.exists() for file in files):
        _copy(_module_directory(patch.module, tool.module, work), copy)
    for file in files:
        text = file.read_text()
        if patch.new in text:
            continue
        if text.count(patch.old) != 1:
            raise BuildError(
                f"{tool.name}: {patch.old!r} occurs {text.count(patch.old)} times in "
                f"{patch.module}/{file.relative_to(copy)}, not once. "
                "The pinned version changed: adapt the patch in testbed/toolchain/catalog.py"
            )
        file.write_text(text.replace(patch.old, patch.new))
    modfile = work / f"{tool.name}.mod"
    original = MODULES / tool.module / "go.mod"
    modfile.write_text(f"{original.read_text()}\nreplace {patch.module} => {copy}\n")
    shutil.copyfile(original.with_name("go.sum"), modfile.with_suffix(".sum"))
    return ["-modfile", str(modfile)]


def run_logged(
    command: list[str], directory: Path, log: Path, environment: dict[str, str], tick: Callable[[], None]
) -> int:
    """Run ``command`` in a process group of its own, so that an interruption ends the compilers as well.

    ``setpriv`` makes the kernel end the build when this process is killed outright.
    """
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            while True:
                try:
                    return process.wait(timeout=0.25)
                except subprocess.TimeoutExpired:
                    tick()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise


@contextlib.contextmanager
def one_at_a_time(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One build at a time per user; a second one waits and then finds everything there."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build of the tools to end (lock: {path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
