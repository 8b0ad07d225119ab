"""What is refused, with Doorkeeper's names and sentences."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

__all__ = ["NO_STORE", "OAuthError", "missing_parameter"]

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""For answers that hold tokens, or say why there are none."""

_DESCRIPTIONS = {
    "access_denied": "The resource owner or authorization server denied the request.",
    "consent_required": "The authorization server requires end-user consent.",
    "insufficient_scope": "The request requires higher privileges than provided by the access token.",
    "invalid_client": "Client authentication failed due to unknown client, no client authentication included, or "
    "unsupported authentication method.",
    "invalid_code_challenge_method": "The code challenge method must be plain or S256.",
    "invalid_grant": "The provided authorization grant is invalid, expired, revoked, does not match the redirection "
    "URI used in the authorization request, or was issued to another client.",
    "invalid_redirect_uri": "The redirect URI included is not valid.",
    "invalid_request": "The request is missing a required parameter, includes an unsupported parameter value, or is "
    "otherwise malformed.",
    "invalid_scope": "The requested scope is invalid, unknown, or malformed.",
    "invalid_token": "The access token is invalid",
    "login_required": "The authorization server requires end-user authentication.",
    "unauthorized_client": "You are not authorized to revoke this token",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server.",
    "unsupported_response_type": "The authorization server does not support this response type.",
}

_STATUSES = {"insufficient_scope": 403, "invalid_client": 401, "invalid_token": 401, "unauthorized_client": 403}


class OAuthError(Exception):
    """Ends a request of an application; nothing that was sent is repeated in it."""

    def __init__(self, name: str, description: str | None = None) -> None:
        self.name = name
        self.description = description or _DESCRIPTIONS[name]
        super().__init__(self.name)

    def response(self) -> Response:
        """The answer to a program."""
        status = _STATUSES.get(self.name, 400)
        said = f'Bearer realm="Doorkeeper", error="{self.name}", error_description="{self.description}"'
        body = {"error": self.name, "error_description": self.description}
        return JSONResponse(body, status, {**NO_STORE, "WWW-Authenticate": said})


def missing_parameter(name: str) -> OAuthError:
    """A parameter that has to be there is not."""
    return OAuthError("invalid_request", f"Missing required parameter: {name}.")
