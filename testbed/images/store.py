"""Images that were made here before, per user, so that every testbed has them at once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.images.bill import MEDIA_TYPE, bill_of_materials
from testbed.images.debian import DebianImage, archive, make_root, sources
from testbed.images.oci import LAYER, OciLayout, architecture
from testbed.images.programs import program_digests, program_urls
from testbed.images.python_environment import python_urls
from testbed.layout import cache_directory
from testbed.toolchain.build import one_at_a_time

__all__ = ["StoredImage", "ensure"]

_FORM = 1
"""Goes up when the same image is made in another way."""


@dataclass(frozen=True)
class StoredImage:
    """An image beside its bill of materials, each as an OCI layout."""

    directory: Path

    @property
    def image(self) -> Path:
        """Layout of the image."""
        return self.directory / "image"

    @property
    def bill(self) -> Path:
        """Layout of the bill of materials, whose subject is the image."""
        return self.directory / "bill"

    @property
    def digest(self) -> str:
        """Digest of the image."""
        return _digest(self.image)

    @property
    def bill_digest(self) -> str:
        """Digest of the bill of materials."""
        return _digest(self.bill)


def ensure(image: DebianImage, say: Callable[[str], None], *, anew: bool = False) -> StoredImage:
    """The image, made where it is not there.

    Args:
        image: what it is.
        say: gets a line while another process has the store.
        anew: make it again of the packages that the archive has now, such as those with security fixes.

    Raises:
        UserError: when it cannot be made.
    """
    store = cache_directory() / "images"
    store.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(store / "build.lock", say):
        directory = store / f"{image.name}-{image.version}-{_key(image)}"
        if anew or not directory.exists():
            _replace(store, image, directory)
        return StoredImage(directory)


def _replace(store: Path, image: DebianImage, directory: Path) -> None:
    partial = store / f".{image.name}.{os.getpid()}.partial"
    try:
        partial.mkdir()
        _make(image, partial)
        for former in store.glob(f"{image.name}-{image.version}-*"):
            shutil.rmtree(former)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _make(image: DebianImage, directory: Path) -> None:
    root = directory / "root.tar"
    made = StoredImage(directory)
    make_root(image, root, directory)
    layout = OciLayout(made.image)
    # Taken first: the bill names the layer, and is read out of it.
    layer = layout.take(LAYER, root)
    manifest = layout.add_image(image.config, [layer])
    layout.finish(manifest)
    bill = OciLayout(made.bill)
    added = [*program_urls(image.programs), *python_urls(image.requirements)]
    text = bill_of_materials(image.name, image.version, archive(), layout.path(layer.digest), layer.digest, added)
    bill.finish(bill.add_artifact(MEDIA_TYPE, text, manifest))


def _key(image: DebianImage) -> str:
    """Whatever changes the result, but for what the archive has in it today."""
    facts = (repr(image), _FORM, program_digests(image.programs), sources(), architecture())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _digest(layout: Path) -> str:
    [manifest] = json.loads((layout / "index.json").read_bytes())["manifests"]
    return str(manifest["digest"])
