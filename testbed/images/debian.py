"""Root file systems of Debian packages, with nothing in them that differs from one making to the next."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from testbed.commands import run
from testbed.errors import UserError
from testbed.host import packages
from testbed.images import python_environment
from testbed.images.programs import program_files
from testbed.images.python_environment import ENVIRONMENT

__all__ = ["DebianImage", "archive", "make_root", "sources"]

_PACKAGE = "mmdebstrap"
_LIMIT_S = 900
"""For a slow mirror; some 50 MB are fetched, and all else takes a minute."""

_USER = 1000

_NOT_WANTED = ("/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/doc/*")
_WANTED = ("/usr/share/doc/*/copyright",)
"""Licences, which who hands packages on hands on too."""

_EPOCH = "1"
"""The time of every file. Python takes its presence as the wish for byte code that is checked by content."""


@dataclass(frozen=True, kw_only=True)
class DebianImage:
    """One image: the essential packages, those named, and a user who is not root."""

    name: str
    """Repository in the registry."""
    version: str
    """Tag; another one whenever what is asked for changes."""
    packages: tuple[str, ...]
    user: str
    """Containers run as this user, whose home is the working directory."""
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Text by absolute path."""
    programs: tuple[str, ...] = ()
    """Tools of the testbed, which Debian does not package; they are in ``/usr/local/bin``."""
    requirements: str = ""
    """Python packages, locked by hash, in an environment of their own, which is first on the path."""

    @property
    def home(self) -> str:
        """Home of the user."""
        return f"/home/{self.user}"

    @property
    def config(self) -> dict[str, object]:
        """How its containers run, in OCI's words."""
        first = f"{ENVIRONMENT}/bin:" if self.requirements else ""
        return {
            "Cmd": ["bash"],
            "Env": [f"HOME={self.home}", "LANG=C.UTF-8", f"PATH={first}/usr/local/bin:/usr/bin:/bin"],
            "User": f"{_USER}:{_USER}",
            "WorkingDir": self.home,
        }

    def __str__(self) -> str:
        """Name it as in a reference."""
        return f"{self.name}:{self.version}"


def archive() -> tuple[str, str]:
    """The distribution, such as ``debian``, and the release, such as ``bookworm``, of this machine and so of images.

    Raises:
        UserError: when this is neither Debian nor Ubuntu.
    """
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    facts = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    distribution, release = facts.get("ID", "unknown"), facts.get("VERSION_CODENAME", "")
    if distribution not in ("debian", "ubuntu") or not release:
        raise UserError(
            f"this machine runs {distribution}, and images are made of the packages of Debian or Ubuntu with their own "
            "programs; make them on one of those, and copy them with `crane copy`"
        )
    return distribution, release


def sources() -> list[str]:
    """Where this machine's apt has the distribution's own packages from, mirrors and all, as lines of a sources list.

    Raises:
        UserError: when it has them from nowhere.
    """
    distribution, release = archive()
    fields = "$(ORIGIN)|$(SIGNED_BY)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)"
    listed = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    found = []
    for line in listed.splitlines():
        origin, signed_by, address, suite, component = line.split("|")
        if origin.lower() == distribution and suite.startswith(release):
            # An empty field is left as it was written.
            options = "" if signed_by.startswith("$") or not signed_by else f"[signed-by={signed_by}] "
            found.append(f"deb {options}{address} {suite} {component}")
    if not found:
        raise UserError(
            f"apt knows no packages of {distribution} {release}: run `apt-get update`, and see to it that its sources "
            "name the distribution or a mirror of it"
        )
    return list(dict.fromkeys(found))


def make_root(image: DebianImage, target: Path, work: Path) -> None:
    """Write the image's root file system as a tar archive.

    Args:
        image: what it is.
        target: the archive.
        work: directory for the package manager's log.

    Raises:
        UserError: when this machine cannot, or a package is not to be had.
    """
    if os.geteuid() != 0:
        raise UserError("images of Debian packages are unpacked with their owners, which takes root; run this as root")
    if packages.find_command(_PACKAGE) is None:
        packages.install([_PACKAGE], log=work / "packages.log")
    with tempfile.TemporaryDirectory(prefix="bighpc-image-") as scratch:
        listed = Path(scratch) / "sources.list"
        listed.write_text("".join(f"{line}\n" for line in sources()), encoding="utf-8")
        files = _written(image, Path(scratch) / "files")
        lock = Path(scratch) / "requirements.txt"
        lock.write_text(image.requirements, encoding="utf-8")
        command = [*_options(image), *_hooks(image, files, lock), archive()[1], str(target), str(listed)]
        run(_PACKAGE, *command, environment={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}, limit_s=_LIMIT_S)


def _options(image: DebianImage) -> list[str]:
    return [
        "--quiet",
        "--mode=root",
        "--variant=essential",
        "--format=tar",
        *(f"--include={package}" for package in image.packages),
        '--aptopt=Apt::Install-Recommends "false"',
        # What is half written when the machine goes down is never used.
        "--dpkgopt=force-unsafe-io",
        # A container gets devices of its own, and making some takes rights that unpacking an image has not everywhere.
        "--skip=output/dev",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _NOT_WANTED),
        *(f"--dpkgopt=path-include={pattern}" for pattern in _WANTED),
    ]


def _hooks(image: DebianImage, files: Mapping[str, Path], lock: Path) -> list[str]:
    python = f'{sys.executable} -m {python_environment.__name__} "$1" {lock}'
    account = f"{image.user}:x:{_USER}:{_USER}::{image.home}:/bin/bash"
    steps = (
        f'echo {shlex.quote(account)} >> "$1/etc/passwd"',
        f'echo {shlex.quote(f"{image.user}:x:{_USER}:")} >> "$1/etc/group"',
        f'install --directory --owner={_USER} --group={_USER} --mode=0755 "$1"{shlex.quote(image.home)}',
        *(
            f'install -D --mode=0644 {shlex.quote(str(source))} "$1"{shlex.quote(name)}'
            for name, source in files.items()
        ),
        *(
            f'install -D --mode=0755 {shlex.quote(str(source.resolve()))} "$1"/usr/local/bin/{name}'
            for name, source in program_files(image.programs).items()
        ),
        *([python] if image.requirements else []),
        # Of this machine, or of the moment.
        'rm -rf "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/var/log/* "$1"/var/cache/*',
    )
    return [f"--customize-hook={step}" for step in steps]


def _written(image: DebianImage, directory: Path) -> dict[str, Path]:
    """Write the image's own files down on this machine, from where a hook copies them."""
    directory.mkdir()
    written = {}
    for number, (name, text) in enumerate(image.files.items()):
        written[name] = directory / str(number)
        written[name].write_text(text, encoding="utf-8")
    return written
