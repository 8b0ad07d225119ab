"""Container images of one static program, assembled without a daemon and pushed to the testbed's registry."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from testbed.commands import run
from testbed.context import REGISTRY_HOST, Context
from testbed.processes import NotReadyError

__all__ = ["push_program_image"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_NOBODY = "65532:65532"


def push_program_image(context: Context, program: Path, image: str) -> str:
    """Make sure the registry has an image whose only content and entry point is the program.

    Args:
        context: The testbed.
        program: A statically linked executable.
        image: Its full name, for example ``registry.bighpc.test/pause:1``.

    Returns:
        The name with the image's digest, as a pod in production would use it.

    Raises:
        NotReadyError: when the registry does not answer.
        ValueError: when the image is not one of the testbed's registry.
    """
    host, _, repository_and_tag = image.partition("/")
    repository, _, tag = repository_and_tag.rpartition(":")
    if host != REGISTRY_HOST or not repository:
        raise ValueError(f"image {image!r}: write {REGISTRY_HOST}/REPOSITORY:TAG")
    blobs, digest = _assemble(program)
    reference = f"127.0.0.1:{context.ports['registry']}/{repository}:{tag}"
    if _pushed_digest(context, repository, tag) != digest:
        with tempfile.TemporaryDirectory(prefix="bighpc-image-") as directory:
            _write_layout(Path(directory), blobs, digest)
            run(context.tools.path("crane"), "push", "--insecure", directory, reference)
    return f"{image}@{digest}"


def _assemble(program: Path) -> tuple[list[bytes], str]:
    """Layer, configuration and manifest; the same program gives the same bytes, so the digest is stable."""
    name = program.name
    layer = _layer(program)
    config = _json(
        {
            "architecture": _ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Entrypoint": [f"/{name}"], "User": _NOBODY, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    )
    return [layer, config, manifest], _digest(manifest)


def _layer(program: Path) -> bytes:
    content = program.read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(program.name)
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _write_layout(directory: Path, blobs: list[bytes], digest: str) -> None:
    """Write the OCI image layout, the directory form of an image."""
    store = directory / "blobs" / "sha256"
    store.mkdir(parents=True)
    for blob in blobs:
        (store / _digest(blob).removeprefix("sha256:")).write_bytes(blob)
    (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    index = {"mediaType": _MANIFEST, "digest": digest, "size": len(blobs[-1])}
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [index]}))


def _pushed_digest(context: Context, repository: str, tag: str) -> str | None:
    url = f"http://127.0.0.1:{context.ports['registry']}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": _MANIFEST})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return str(answer.headers.get("Docker-Content-Digest"))
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except OSError as error:
        raise NotReadyError(f"registry: {error}") from None


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
