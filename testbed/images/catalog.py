"""The images that the testbed can make of Debian packages, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from testbed.images.debian import DebianImage

__all__ = ["IMAGES"]

_CI_PYTHON = DebianImage(
    name="ci-python",
    version="1",
    packages=("ca-certificates", "curl", "git", "python3", "python3-pip", "python3-venv"),
    user="job",
    files={
        # A checkout belongs to the runner's user, and git works in nobody else's. All there is in a job's container is
        # the job's own.
        "/etc/gitconfig": "[safe]\n\tdirectory = *\n",
    },
)

_CI_BUILD = DebianImage(
    name="ci-build",
    version="1",
    packages=("ca-certificates", "git"),
    user="job",
    # It appends layers and pushes them, for which no daemon and no rights are needed.
    programs=("crane",),
)

_PROMETHEUS = DebianImage(
    name="prometheus",
    version="1",
    packages=("ca-certificates", "prometheus"),
    # The package's own user has a number that differs from machine to machine.
    user="monitor",
)

IMAGES: Mapping[str, DebianImage] = MappingProxyType(
    {image.name: image for image in (_CI_PYTHON, _CI_BUILD, _PROMETHEUS)}
)
