"""The testbed's tools: official binaries where they fit, else built once from pinned Go modules."""

from testbed.toolchain.store import Toolchain, ensure, ensure_package, installed, package_path

__all__ = ["Toolchain", "ensure", "ensure_package", "installed", "package_path"]
