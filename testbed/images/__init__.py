"""Container images that are made here without a daemon, byte for byte alike from the same parts."""

from testbed.images.catalog import IMAGES
from testbed.images.debian import DebianImage
from testbed.images.program import push_program_image
from testbed.images.publishing import publish

__all__ = ["IMAGES", "DebianImage", "publish", "push_program_image"]
