"""A program of its own: packs and unpacks files of jobs, with no more rights than the job has.

What is in a job's directory is the job's doing: links that lead elsewhere, names that climb up. So this runs as a
process of its own, which as root first locks itself into the job's directory and then becomes the job's user. It
imports the standard library only, and all of it before that.
"""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

__all__ = ["main", "matcher"]

_MOST_ENTRIES = 200_000


def main(arguments: list[str]) -> int:
    """Do what the first argument, a JSON object, says.

    ``{"action": "zip" | "gzip" | "raw" | "unpack", "root", "user", "directory", "paths", "exclude", "extra"}``: an
    archive goes to the standard output or comes from the standard input, remarks go to the standard error. With
    ``"shared": true`` everybody may write what is unpacked.

    Returns:
        0 when it is done, 1 when it cannot be, 3 when there was nothing to pack.
    """
    wanted = json.loads(arguments[0])
    try:
        _confine(wanted.get("root"), wanted.get("user"))
        directory = Path(wanted["directory"])
        os.chdir(directory)
        if wanted["action"] == "unpack":
            if wanted.get("shared"):
                # By whoever an image's user is.
                os.umask(0)
            _unpack(sys.stdin.buffer, more=0o666 if wanted.get("shared") else 0)
            return 0
        names = _names(wanted)
        if not names:
            return 3
        _pack(wanted["action"], names, sys.stdout.buffer)
        sys.stderr.write(f"{len(names)} files and directories\n")
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def matcher(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """A regular expression for glob patterns: ``*``, ``?``, ``[abc]``, ``{a,b}``, and ``**`` for any directories."""
    found = [_regular(pattern.removeprefix("./").rstrip("/")) for pattern in patterns if pattern.strip("./")]
    return re.compile("|".join(f"(?:{each})" for each in found), re.DOTALL) if found else None


def _regular(pattern: str) -> str:
    result, place, depth = "", 0, 0
    while place < len(pattern):
        rest = pattern[place:]
        if rest.startswith("**/"):
            result, place = result + "(?:.*/)?", place + 3
        elif rest.startswith("**"):
            result, place = result + ".*", place + 2
        elif (group := re.match(r"\[([!^]?)([^\]/]+)\]", rest)) is not None:
            inside = group[2].replace("\\", "\\\\")
            result, place = result + f"[{'^' if group[1] else ''}{inside}]", place + group.end()
        else:
            depth += {"{": 1, "}": -1 if depth else 0}.get(rest[0], 0)
            result, place = result + _character(rest[0], inside=depth > 0 or rest[0] == "}"), place + 1
    return result


def _character(letter: str, *, inside: bool) -> str:
    special = {"*": "[^/]*", "?": "[^/]"}
    if inside:
        special |= {"{": "(?:", ",": "|", "}": ")"}
    return special.get(letter, re.escape(letter))


def _confine(root: str | None, user: int | None) -> None:
    if os.geteuid() != 0:
        return
    codecs.lookup("cp437")  # What old archives name files in; its module is out of reach afterwards.
    if root is not None:
        os.chroot(root)
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


def _names(wanted: dict[str, Any]) -> list[str]:
    """The files and directories that are meant, relative to the working directory."""
    include, exclude = matcher(wanted["paths"]), matcher(wanted.get("exclude", ()))
    extra = set(wanted.get("extra", ()))
    everything = any(path.strip("/") in (".", "") for path in wanted["paths"])
    found = []
    for name in _walk():
        chosen = everything or name in extra or (include is not None and _covers(include, name))
        if chosen and not (exclude is not None and exclude.fullmatch(name)):
            found.append(name)
    if len(found) > _MOST_ENTRIES:
        raise ValueError(f"{len(found)} files are too many; at most {_MOST_ENTRIES} are packed, narrow `paths` down")
    return found


def _covers(pattern: re.Pattern[str], name: str) -> bool:
    """Whether a pattern means a path or a directory above it."""
    parts = name.split("/")
    return any(pattern.fullmatch("/".join(parts[:size])) for size in range(len(parts), 0, -1))


def _walk() -> Iterator[str]:
    for directory, below, files in os.walk("."):
        below.sort()
        if directory == "." and ".git" in below:
            below.remove(".git")
        for name in sorted([*below, *files]):
            yield os.path.normpath(os.path.join(directory, name))  # noqa: PTH118 - pathlib is slow for this many


def _pack(action: str, names: list[str], target: BinaryIO) -> None:
    if action == "zip":
        _zip(names, target)
        return
    files = [name for name in names if stat.S_ISREG(os.lstat(name).st_mode)]
    if action == "raw" and len(files) != 1:
        raise ValueError(f"a raw report is one file, and {len(files)} match: {', '.join(files[:5])}")
    for name in files:
        with open(name, "rb") as source:  # noqa: PTH123 - relative to where we are
            if action == "gzip":
                with gzip.GzipFile(Path(name).name, "wb", fileobj=target, mtime=0) as packed:
                    shutil.copyfileobj(source, packed)
            else:
                shutil.copyfileobj(source, target)


def _zip(names: list[str], target: BinaryIO) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for name in names:
            mode = os.lstat(name).st_mode
            if stat.S_ISLNK(mode):
                entry = zipfile.ZipInfo(name)
                entry.external_attr = mode << 16
                entry.create_system = 3
                archive.writestr(entry, os.readlink(name))  # noqa: PTH115 - a string, not a path
            elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                archive.write(name)


def _unpack(source: BinaryIO, more: int) -> None:
    """Unpack an archive; its files also get the rights in ``more``."""
    with zipfile.ZipFile(source) as archive:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"the archive has a name that leads out of it: {entry.filename!r}")
            _unpack_entry(archive, entry, more)


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, more: int) -> None:
    mode = entry.external_attr >> 16
    place = Path(entry.filename)
    if any(part.is_symlink() for part in place.parents):
        raise ValueError(f"{entry.filename!r} would be written through a link")
    if entry.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    if stat.S_ISLNK(mode):
        place.symlink_to(archive.read(entry).decode())
        return
    with archive.open(entry) as packed, place.open("xb") as file:
        shutil.copyfileobj(packed, file)
    place.chmod((mode & 0o777 or 0o644) | more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
