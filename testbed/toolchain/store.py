"""The per-user store of tools: what is there, what fits from PATH, what must be built."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from testbed.layout import cache_directory, state_directory
from testbed.toolchain import build, packages
from testbed.toolchain.build import BuildError, one_at_a_time
from testbed.toolchain.catalog import ASSETS, MODULES, PACKAGES, TOOLS, Asset, Package, Tool
from testbed.toolchain.retention import drop_unused, note_use

__all__ = ["BUILD_GIB", "Toolchain", "ensure", "ensure_package", "installed", "package_path"]

BUILD_GIB = 14
"""Free space that a build of everything needs at its peak, in GiB: module sources, one build cache, the tools."""

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A complete set of tools."""

    bin: Path
    """A directory with every program, to be put first on PATH."""
    plugins: Path
    """A directory with Pulumi's plugins. Not for PATH: the engine warns about each plugin that it takes from there."""
    assets: Path
    """A directory with one subdirectory per asset of the catalogue, such as ``argocd-crds``."""
    versions: dict[str, str]

    def path(self, name: str) -> Path:
        """The executable ``name``.

        Raises:
            KeyError: when no such tool is in the catalogue.
        """
        if name not in self.versions:
            raise KeyError(f"{name!r} is no tool of the testbed; there are {', '.join(sorted(self.versions))}")
        return (self.plugins if _is_plugin(name) else self.bin) / name

    def version(self, name: str) -> str:
        """The version of ``name`` as people write it, for example ``v1.34.4``."""
        return f"v{self.versions[name]}"


def installed() -> Toolchain | None:
    """The set of tools if it is complete, without building or starting anything."""
    root = _set_directory()
    versions = root / "versions"
    if not versions.is_file():
        return None
    pairs = dict(line.split(" ", 1) for line in versions.read_text().splitlines())
    tools = _toolchain(root, pairs)
    if not all(tools.path(name).exists() for name in pairs):
        return None
    note_use(root)
    return tools


def ensure(say: Say, tick: Say = lambda _: None) -> Toolchain:
    """The set of tools; builds what neither the store nor PATH has.

    Args:
        say: gets one line per tool.
        tick: gets a line about the tool in work about four times a second, to show that something happens.

    Raises:
        BuildError: when the disk is too small, no Go toolchain is there, or a build fails.
    """
    ready = installed()
    if ready is not None:
        return ready
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(cache / "build.lock", say):
        ready = installed() or _complete(cache, say, tick)
        drop_unused(cache)
        return ready


def _complete(cache: Path, say: Say, tick: Say) -> Toolchain:
    chosen: dict[str, Path] = {}
    versions: dict[str, str] = {}
    missing: list[tuple[Tool, Path]] = []
    for tool in TOOLS:
        stored = _stored(cache, tool)
        official = None if stored.exists() else _official(tool)
        chosen[tool.name], versions[tool.name] = official or (stored, tool.version)
        if official:
            say(f"{tool.name} {versions[tool.name]}: {chosen[tool.name]} fits")
        elif not stored.exists():
            missing.append((tool, stored))
    work = cache / "work"
    if missing:
        _announce(cache, missing, say)
        _build_all(missing, work, say, tick)
    for package in PACKAGES:
        chosen[package.name], versions[package.name] = _package(package, say, tick), package.version
    root = _set_directory()
    for asset in ASSETS:
        target = root / "assets" / asset.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            build.copy_asset(asset, target, work)
    tools = _toolchain(root, versions)
    for name, path in chosen.items():
        _link(tools.path(name), path)
    build.drop_caches(work)
    # Written last: its presence says that the set is complete.
    (root / "versions").write_text("".join(f"{name} {version}\n" for name, version in versions.items()))
    return tools


def _toolchain(root: Path, versions: dict[str, str]) -> Toolchain:
    return Toolchain(bin=root / "bin", plugins=root / "plugins", assets=root / "assets", versions=versions)


def _is_plugin(name: str) -> bool:
    return name.startswith("pulumi-resource-")


def _announce(cache: Path, missing: Sequence[tuple[Tool, Path]], say: Say) -> None:
    share = sum(tool.seconds for tool, _ in missing) / sum(tool.seconds for tool in TOOLS)
    needed = max(2.0, BUILD_GIB * share)
    free = shutil.disk_usage(cache).free / 2**30
    go = build.go_version()
    minutes = max(1, round(sum(tool.seconds for tool, _ in missing) / 60))
    say(
        f"building {len(missing)} tools once with {go}: about {minutes} min on two cores and {needed:.0f} GiB of disk "
        f"in {cache} while it lasts (free: {free:.0f} GiB); about 1.2 GiB stay"
    )
    if free < needed:
        raise BuildError(
            f"{cache}: {free:.1f} GiB are free, but building {len(missing)} tools needs {needed:.0f} GiB. "
            "Free some space, or set BIGHPC_CACHE to a directory on a larger disk"
        )


@dataclass
class _Forecast:
    """How long the remaining tools will take, at the pace this machine has shown so far."""

    total: int
    """Catalogue seconds of all tools to build."""
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def remaining(self) -> float:
        pace = self.elapsed() / self.done if self.done else 1.0
        return max(0.0, pace * self.total - self.elapsed())


def _build_all(missing: Sequence[tuple[Tool, Path]], work: Path, say: Say, tick: Say) -> None:
    forecast = _Forecast(total=sum(tool.seconds for tool, _ in missing))
    for number, (tool, target) in enumerate(missing, start=1):
        begun = time.monotonic()
        label = f"[{number}/{len(missing)}] {tool.name} v{tool.version}"

        def beat(label: str = label, begun: float = begun) -> None:
            tick(
                f"{label}: building for {_minutes(time.monotonic() - begun)}, "
                f"about {_minutes(forecast.remaining())} left for all"
            )

        beat()
        build.build(tool, target, work, beat)
        forecast.done += tool.seconds
        say(
            f"{label}: built in {_minutes(time.monotonic() - begun)} (elapsed {_minutes(forecast.elapsed())}, "
            f"about {_minutes(forecast.remaining())} left)"
        )
        if all(later.module != tool.module for later, _ in missing[number:]):
            build.drop_caches(work, tool.module)


def ensure_package(name: str, say: Say = lambda _: None) -> Path:
    """The launcher of one package, installed when it is not there; the rest of the set is left alone.

    Raises:
        BuildError: when Node.js is missing, or npm fails.
    """
    if package_path(name).exists():
        return package_path(name)  # without waiting for a build that another process may be at
    [package] = [each for each in PACKAGES if each.name == name]
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(cache / "build.lock", say):
        return _package(package, say, lambda _: None)


def package_path(name: str) -> Path:
    """Where the launcher of a package is, or will be once it is installed."""
    [package] = [each for each in PACKAGES if each.name == name]
    return _stored(cache_directory(), package)


def _package(package: Package, say: Say, tick: Say) -> Path:
    cache = cache_directory()
    target = _stored(cache, package)
    if target.exists():
        return target
    begun = time.monotonic()
    label = f"{package.name} v{package.version}"

    def beat() -> None:
        tick(f"{label}: installing for {_minutes(time.monotonic() - begun)}, about {package.seconds} s in all")

    beat()
    packages.install(package, target, cache / "work", beat)
    say(f"{label}: installed with npm in {_minutes(time.monotonic() - begun)}")
    return target


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"


def _set_directory() -> Path:
    """One set per catalogue and PATH: another official binary or pin makes another set."""
    cache = cache_directory()
    digest = hashlib.sha256()
    for tool in TOOLS:
        found = _on_path(tool) if tool.official else None
        # An upgrade in place changes the time stamp.
        digest.update(f"{_key(tool)} {found} {found and Path(found).stat().st_mtime_ns}\n".encode())
    others: list[Asset | Package] = [*ASSETS, *PACKAGES]
    for item in others:
        digest.update(_key(item).encode())
    return cache / "sets" / digest.hexdigest()[:16]


def _stored(cache: Path, tool: Tool | Package) -> Path:
    return cache / "tools" / f"{tool.name}-{tool.version}-{_key(tool)}" / tool.name


def _key(item: Tool | Asset | Package) -> str:
    """Whatever changes the result: pins, our own sources, flags, target platform."""
    # How long a build took is no part of what it made.
    timeless = item if isinstance(item, Asset) else replace(item, seconds=0)
    made_of = (timeless, build.flags(timeless)) if isinstance(timeless, Tool) else timeless
    digest = hashlib.sha256(repr(made_of).encode())
    digest.update(f"{platform.system()} {platform.machine()}".encode())
    for file in sorted((MODULES / item.module).rglob("*")):
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _on_path(tool: Tool) -> str | None:
    """An executable of that name on PATH that is not one of ours: ``testbed env`` puts those there."""
    ours = (cache_directory(), state_directory())
    directories = [entry for entry in os.get_exec_path() if not any(Path(entry).is_relative_to(each) for each in ours)]
    return shutil.which(tool.name, path=os.pathsep.join(directories))


def _official(tool: Tool) -> tuple[Path, str] | None:
    """An installed binary of a fitting version, with that version."""
    found = _on_path(tool) if tool.official else None
    if found is None:
        return None
    try:
        run = subprocess.run([found, *tool.official], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(run.stdout + run.stderr)
    try:
        version = Version(match[1]) if match else None
    except InvalidVersion:
        return None
    if version is None or version not in SpecifierSet(tool.fits):
        return None
    return Path(found), str(version)


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    scratch = link.with_name(f".{link.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.replace(link)
