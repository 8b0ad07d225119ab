"""The platform as one Pulumi program: check everything, then build it."""

import pulumi

from stacks.platform import build_platform
from stacks.problems import ConfigurationError
from stacks.start import prepare

try:
    build_platform(*prepare())
except ConfigurationError as error:
    # A sentence for people instead of a traceback.
    raise pulumi.RunError(str(error)) from None
