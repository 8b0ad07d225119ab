"""The error bodies of GitLab's REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

__all__ = [
    "ApiError",
    "bad_request",
    "conflict",
    "forbidden",
    "insufficient_scope",
    "invalid",
    "invalid_token",
    "missing",
    "not_found",
    "parameter_error",
    "rejected",
    "unauthorized",
]


class ApiError(Exception):
    """An answer that ends the request, with GitLab's status and body."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.keeps_changes = False

    def keeping_changes(self) -> Self:
        """The same error, of a request whose changes are kept nevertheless."""
        self.keeps_changes = True
        return self


def rejected(status: int, message: object) -> ApiError:
    """Any status with ``{"message": ...}``."""
    return ApiError(status, {"message": message})


def not_found(what: str | None = None) -> ApiError:
    """404, also for what the caller may not know to exist."""
    return rejected(404, f"404 {what} Not Found" if what else "404 Not Found")


def missing() -> ApiError:
    """404 for a row that is not there. GitLab spells it in two ways; clients have seen both."""
    return rejected(404, "404 Not found")


def forbidden(reason: str | None = None) -> ApiError:
    """403: visible, but the role does not suffice."""
    return rejected(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden")


def unauthorized() -> ApiError:
    """401: no token, or one that nobody was given."""
    return rejected(401, "401 Unauthorized")


def invalid_token(description: str) -> ApiError:
    """401 for a token that was good once."""
    return ApiError(401, {"error": "invalid_token", "error_description": description})


def insufficient_scope(needed: Sequence[str]) -> ApiError:
    """403: the token was not made for this."""
    return ApiError(
        403,
        {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": " ".join(needed),
        },
    )


def bad_request(reason: str) -> ApiError:
    """400 with a reason in GitLab's sentence form."""
    return rejected(400, f"400 Bad request - {reason}")


def conflict(message: object = "409 Conflict") -> ApiError:
    """409: it is there already, or changed in the meantime."""
    return rejected(409, message)


def invalid(**attributes: str | list[str]) -> ApiError:
    """400 as a failed model validation: attribute names with their complaints."""
    return rejected(400, {name: [text] if isinstance(text, str) else text for name, text in attributes.items()})


def parameter_error(text: str) -> ApiError:
    """400 as a failed parameter check: one sentence naming each parameter."""
    return ApiError(400, {"error": text})
