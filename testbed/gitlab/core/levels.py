"""Access levels, visibility and the words the API uses for them."""

from __future__ import annotations

from enum import IntEnum, StrEnum, unique

__all__ = ["Level", "Visibility"]


@unique
class Level(IntEnum):
    """A member's role. The numbers are the API's own."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50
    ADMIN = 60

    @property
    def description(self) -> str:
        """How protections name the level."""
        match self:
            case Level.NONE:
                return "No one"
            case Level.DEVELOPER:
                return "Developers + Maintainers"
            case Level.MAINTAINER:
                return "Maintainers"
            case Level.ADMIN:
                return "Administrator"
            case _:
                return self.name.capitalize()


@unique
class Visibility(StrEnum):
    """Who may see a group or project without being a member."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"

    @property
    def rank(self) -> int:
        """Order from closed to open."""
        return list(Visibility).index(self)
