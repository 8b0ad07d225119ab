"""What an application asks for when it sends a browser to ``/oauth/authorize``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.oauth.pkce import METHODS
from testbed.gitlab.oauth.redirects import with_answer
from testbed.gitlab.oauth.refusals import OAuthError, missing_parameter
from testbed.gitlab.oauth.scopes import split
from testbed.gitlab.store import Application

__all__ = ["PARAMETERS", "Asked", "application_of"]

PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "prompt",
    "code_challenge",
    "code_challenge_method",
)
"""What the page of consent keeps of a request."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request of an application that exists, which leads back to one of its own addresses."""

    application: Application
    redirect_uri: str
    parameters: Mapping[str, str]

    @staticmethod
    def read(session: Session, sent: Mapping[str, str]) -> Asked:
        """Find out who asks and where the answer goes.

        Raises:
            OAuthError: when that is wrong. It is for the visitor to read: the address is not one to send anybody to.
        """
        if not sent.get("client_id"):
            raise missing_parameter("client_id")
        application = application_of(session, sent["client_id"])
        if application is None:
            raise OAuthError("invalid_client")
        redirect_uri = sent.get("redirect_uri", "")
        if redirect_uri not in application.redirect_uris:
            raise OAuthError("invalid_redirect_uri")
        return Asked(
            application=application,
            redirect_uri=redirect_uri,
            parameters={name: sent[name] for name in PARAMETERS if name in sent},
        )

    @property
    def scopes(self) -> list[str]:
        """What is asked for; without a word about it, as in GitLab, ``api`` if the application may have that."""
        asked = split(self.parameters.get("scope", ""))
        return asked or [scope for scope in self.application.scopes if scope == "api"]

    @property
    def challenge(self) -> str | None:
        """What whoever exchanges the code has to have the answer to."""
        return self.parameters.get("code_challenge") or None

    @property
    def challenge_method(self) -> str | None:
        """How the answer leads to the challenge."""
        return self.parameters.get("code_challenge_method") if self.challenge else None

    def prompts(self, word: str) -> bool:
        """Whether the application wants a visitor to be asked, or not to be: ``prompt`` of OpenID Connect."""
        return word in self.parameters.get("prompt", "").split()

    def check(self) -> None:
        """Refuse what cannot be given.

        Raises:
            OAuthError: it is for the application.
        """
        if not self.parameters.get("response_type"):
            raise missing_parameter("response_type")
        if self.parameters["response_type"] != "code":
            raise OAuthError("unsupported_response_type")
        if not self.scopes or not set(self.scopes).issubset(self.application.scopes):
            raise OAuthError("invalid_scope")
        if self.challenge is None and not self.application.confidential:
            raise OAuthError("invalid_request", "Code challenge is required.")
        if self.challenge is not None and self.challenge_method not in METHODS:
            raise OAuthError("invalid_code_challenge_method")

    def granted(self, code: str) -> str:
        """Where the browser goes with a code."""
        return with_answer(self.redirect_uri, {"code": code, "state": self.parameters.get("state")})

    def refused(self, error: OAuthError) -> str:
        """Where the browser goes with a refusal."""
        said = {"error": error.name, "error_description": error.description, "state": self.parameters.get("state")}
        return with_answer(self.redirect_uri, said)


def application_of(session: Session, uid: str) -> Application | None:
    """The application that a client says it is."""
    return session.scalar(select(Application).where(Application.uid == uid))
