"""The bill of materials of an image, from what Debian's package manager wrote down in it."""

from __future__ import annotations

import tarfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.parser import Parser
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from testbed.errors import UserError

__all__ = ["MEDIA_TYPE", "bill_of_materials"]

MEDIA_TYPE = "application/vnd.cyclonedx+json"

_STATUS = "./var/lib/dpkg/status"
_BEGINNING = datetime.fromtimestamp(0, UTC)
"""A bill of the same parts is the same bill, whenever it was written."""


def bill_of_materials(
    name: str,
    version: str,
    distribution: tuple[str, str],
    root: Path,
    digest: str,
    added: Sequence[PackageURL] = (),
) -> bytes:
    """Write a CycloneDX document of everything in an image.

    Args:
        name: of the image.
        version: its tag.
        distribution: such as ``("debian", "bookworm")``.
        root: its root file system, as a tar archive.
        digest: of that archive; what the bill's own number is made of.
        added: what is in it beside Debian's packages.

    Raises:
        UserError: when the archive holds no list of packages.
    """
    image = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=f"{name}@{digest}")
    parts = [*_packages(root, distribution), *map(_addition, added)]
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{name}@{digest}"), components=parts)
    bom.metadata.timestamp = _BEGINNING
    bom.metadata.component = image
    bom.register_dependency(image, parts)
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    return text.encode()


def _addition(url: PackageURL) -> Component:
    return Component(
        name=url.name, version=url.version, type=ComponentType.APPLICATION, bom_ref=url.to_string(), purl=url
    )


def _packages(root: Path, distribution: tuple[str, str]) -> Iterator[Component]:
    system, release = distribution
    for paragraph in _status(root).strip().split("\n\n"):
        fields = Parser().parsestr(paragraph)
        name, version, architecture = (fields[field] for field in ("Package", "Version", "Architecture"))
        url = PackageURL("deb", system, name, version, {"arch": architecture, "distro": f"{system}-{release}"})
        yield Component(name=name, version=version, type=ComponentType.LIBRARY, bom_ref=url.to_string(), purl=url)


def _status(root: Path) -> str:
    with tarfile.open(root) as archive:
        try:
            file = archive.extractfile(_STATUS)
        except KeyError:
            file = None
        if file is None:
            raise UserError(f"{root}: there is no {_STATUS} in it, so nobody knows what it is made of; make it anew")
        return file.read().decode()
