"""What a stack was brought up on, kept in its state from the first moment of its first update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

__all__ = ["IDENTITY_TYPE", "Identity", "IdentityArgs"]

IDENTITY_TYPE: Final = "bighpc:guard:Identity"
"""By this type the next run finds the record in the state."""


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """Who the system is."""

    value: pulumi.Input[str]


class Identity(pulumi.ComponentResource):
    """A record of one system's identity; it makes nothing.

    A stack's outputs are written when an update succeeds. This is written before anything can fail, so that the guard
    also protects a stack whose first update broke off.
    """

    value: pulumi.Output[str]
    """Who the system is."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(IDENTITY_TYPE, name, None, opts)

        self.value = pulumi.Output.from_input(args.value)
        self.register_outputs({"value": self.value})
