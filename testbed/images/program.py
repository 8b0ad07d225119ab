"""Container images of one static program."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

from testbed.context import REGISTRY_HOST, Context
from testbed.images.oci import LAYER, OciLayout
from testbed.images.registry import push, pushed_digest

__all__ = ["push_program_image"]

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
    with tempfile.TemporaryDirectory(prefix="bighpc-image-") as directory:
        layout = OciLayout(Path(directory))
        config = {"Entrypoint": [f"/{program.name}"], "User": _NOBODY, "WorkingDir": "/"}
        manifest = layout.add_image(config, [layout.add(LAYER, _layer(program))])
        layout.finish(manifest)
        if pushed_digest(context, repository, tag) != manifest.digest:
            push(context, layout.directory, repository, f":{tag}")
    return f"{image}@{manifest.digest}"


def _layer(program: Path) -> bytes:
    content = program.read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(program.name)
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
