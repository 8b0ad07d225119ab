"""The container images that a stack builds: whether their Dockerfiles are there, and use the site's mirror."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from components.image.image_spec import ContainerImageSpec, ImagesSpec, image_violations
from stacks.problems import Collector, show

__all__ = ["check_images"]

_ROOT: Final = Path(__file__).parents[1]


def check_images(images: ImagesSpec | None, where: str, collector: Collector, root: Path = _ROOT) -> None:
    """Check the files that a stack's images are built of.

    Args:
        images: what the stack file says; without it nothing is looked at.
        where: the stack file.
        collector: gets the problems.
        root: the directory that the images' contexts are in.
    """
    if images is None:
        return
    for name, spec in images.build.items():
        _check_image(name, spec, f"{where}, images.build.{name}", collector, root, mirrored=bool(images.mirror))


def _check_image(
    name: str, spec: ContainerImageSpec, where: str, collector: Collector, root: Path, *, mirrored: bool
) -> None:
    path = root / spec.context / spec.dockerfile
    if not path.is_file():
        collector.refuse(
            f"{where}.context",
            f"value {show(spec.context)}, dockerfile {show(spec.dockerfile)}",
            "an image is built of a Dockerfile of this repository",
            f"add {spec.context}/{spec.dockerfile}, or correct context and dockerfile",
        )
    elif mirrored:
        collector.refuse_all(f"{where}.dockerfile", image_violations(name, path.read_text(encoding="utf-8")))
