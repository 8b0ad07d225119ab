"""From the store into a testbed's registry: an image by tag and digest, its bill of materials as its referrer."""

from __future__ import annotations

from collections.abc import Callable

from testbed.context import REGISTRY_HOST, Context
from testbed.images.debian import DebianImage
from testbed.images.registry import push, pushed_digest
from testbed.images.store import ensure

__all__ = ["publish"]


def publish(context: Context, image: DebianImage, say: Callable[[str], None], *, anew: bool = False) -> str:
    """Make sure that the registry has an image.

    Args:
        context: a testbed that is up.
        image: what it is.
        say: gets a line while another process makes images.
        anew: make it again of the packages that the archive has now.

    Returns:
        The name that pods and jobs use, with the digest.

    Raises:
        NotReadyError: when the registry does not answer.
        UserError: when the image cannot be made or pushed.
    """
    # Asked before anything is made, which takes long.
    before = pushed_digest(context, image.name, image.version)
    stored = ensure(image, say, anew=anew)
    if before != stored.digest:
        push(context, stored.image, image.name, f":{image.version}")
    if pushed_digest(context, image.name, stored.bill_digest) is None:
        push(context, stored.bill, image.name, f"@{stored.bill_digest}")
    return f"{REGISTRY_HOST}/{image}@{stored.digest}"
