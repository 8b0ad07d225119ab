"""The Pulumi engine of a testbed, with the plugins that cannot be downloaded beside it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from testbed import language
from testbed.context import Context
from testbed.files import private_directory
from testbed.provider import installation as gitlab

__all__ = ["install_engine"]

_KUBERNETES = "pulumi-resource-kubernetes"


def install_engine(context: Context) -> None:
    """Put the engine and its plugins into the testbed's ``bin``.

    The engine complains about a language host that is not in its own directory, and the shared store of tools belongs
    to every checkout, while the plugins run in this one's virtual environment. So the engine gets a second name here.
    """
    directory = private_directory(context.layout.bin)
    engine = context.tools.path("pulumi").resolve()
    own = directory / "pulumi"
    if not (own.exists() and _stamp(own) == _stamp(engine)):
        scratch = directory / f".pulumi.{os.getpid()}"
        try:
            os.link(engine, scratch)
        except OSError:  # another file system
            shutil.copy2(engine, scratch)
        scratch.replace(own)
    python = Path(sys.prefix) / "bin" / "python"
    language.install(directory, python)
    plugins = context.layout.data / "pulumi-home" / "plugins"
    gitlab.install(plugins, python)
    kubernetes = plugins / f"resource-kubernetes-{context.tools.version(_KUBERNETES)}" / _KUBERNETES
    kubernetes.parent.mkdir(parents=True, exist_ok=True)
    kubernetes.unlink(missing_ok=True)
    kubernetes.symlink_to(context.tools.path(_KUBERNETES))


def _stamp(file: Path) -> tuple[int, int]:
    return file.stat().st_size, file.stat().st_mtime_ns
