"""The images that the testbed can make of Debian packages, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from testbed.images.debian import DebianImage

__all__ = ["IMAGES"]


def _locked(name: str) -> str:
    """A lock file; ``<name>.in`` beside it says what it was made of."""
    return (Path(__file__).parent / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


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

_JUPYTERHUB = DebianImage(
    name="jupyterhub",
    version="1",
    packages=("ca-certificates", "node-configurable-http-proxy", "python3", "python3-venv"),
    user="hub",
    requirements=_locked("jupyterhub"),
)

_JUPYTERLAB = DebianImage(
    name="jupyterlab",
    version="1",
    # Wheels of compiled packages take the C++ library for granted.
    packages=("ca-certificates", "git", "libstdc++6", "python3", "python3-venv"),
    # As upstream's images of notebooks call the user.
    user="jovyan",
    # It asks people whether it may fetch news, from where a site may have no way.
    files={
        "/etc/jupyter/labconfig/page_config.json": json.dumps(
            {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        )
    },
    requirements=_locked("jupyterlab"),
)

IMAGES: Mapping[str, DebianImage] = MappingProxyType(
    {image.name: image for image in (_CI_PYTHON, _CI_BUILD, _PROMETHEUS, _JUPYTERHUB, _JUPYTERLAB)}
)
