"""The directory form of an OCI image, written byte for byte alike from the same parts."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["LAYER", "MANIFEST", "Descriptor", "OciLayout", "architecture", "encode"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
"""Not compressed: what a compressor makes differs from one version to the next, and loopback is fast."""

_CONFIG = "application/vnd.oci.image.config.v1+json"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What a blob is and how it is addressed."""

    media_type: str
    digest: str
    """``sha256:`` and 64 hexadecimal digits."""
    size: int
    """In bytes."""

    def as_dict(self) -> dict[str, Any]:
        """The form that manifests have it in."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class OciLayout:
    """An image layout in a directory of its own; `finish` makes it complete."""

    directory: Path

    def add(self, media_type: str, content: bytes) -> Descriptor:
        """Add a blob."""
        descriptor = Descriptor(media_type=media_type, digest=_digest(content), size=len(content))
        self.path(descriptor.digest).write_bytes(content)
        return descriptor

    def take(self, media_type: str, file: Path) -> Descriptor:
        """Add a large blob: the file, of the same file system, is moved in."""
        with file.open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        descriptor = Descriptor(media_type=media_type, digest=digest, size=file.stat().st_size)
        file.rename(self.path(digest))
        return descriptor

    def add_image(self, config: Mapping[str, Any], layers: Sequence[Descriptor]) -> Descriptor:
        """Add configuration and manifest of an image.

        Args:
            config: how its containers run, in OCI's words, such as ``User`` and ``Entrypoint``.
            layers: its layers, none of them compressed, lowest first.
        """
        described = {
            "architecture": architecture(),
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
        return self._add_manifest({}, self.add(_CONFIG, encode(described)), layers)

    def add_artifact(self, kind: str, content: bytes, subject: Descriptor) -> Descriptor:
        """Add a document about an image, which registries list as the image's referrer.

        Args:
            kind: media type of the document.
            content: the document.
            subject: the image.
        """
        about = {"artifactType": kind, "subject": subject.as_dict()}
        # Clients that keep the list themselves, for registries that do not, take the kind from the configuration.
        return self._add_manifest(about, self.add(kind, b"{}"), [self.add(kind, content)])

    def finish(self, manifest: Descriptor) -> None:
        """Name what the layout is about."""
        (self.directory / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
        index = {"schemaVersion": 2, "manifests": [manifest.as_dict()]}
        (self.directory / "index.json").write_bytes(encode(index))

    def _add_manifest(self, about: Mapping[str, Any], config: Descriptor, layers: Sequence[Descriptor]) -> Descriptor:
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            **about,
            "config": config.as_dict(),
            "layers": [layer.as_dict() for layer in layers],
        }
        return self.add(MANIFEST, encode(manifest))

    def path(self, digest: str) -> Path:
        """Where a blob is."""
        algorithm, _, value = digest.partition(":")
        store = self.directory / "blobs" / algorithm
        store.mkdir(parents=True, exist_ok=True)
        return store / value


def architecture() -> str:
    """This machine's architecture, as OCI and Debian call it."""
    return _ARCHITECTURES[platform.machine()]


def encode(value: object) -> bytes:
    """JSON of which there is one form only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
