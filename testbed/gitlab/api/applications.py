"""Applications that sign people in through the double: administrators register them."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import invalid, not_found
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.oauth.redirects import problem
from testbed.gitlab.oauth.scopes import SCOPES, split
from testbed.gitlab.store import Application

__all__ = ["routes"]

routes = Routes(anonymous=False)

SECRET_SIZE = 64
"""Characters after the prefix."""


class CreateApplication(Params):
    """POST applications."""

    name: str
    redirect_uri: str
    scopes: NotEmpty
    confidential: bool = True


def application_entity(application: Application, secret: str | None = None) -> dict[str, Any]:
    """An application; its secret is shown once, when it was just made. GitLab does not tell the scopes."""
    return {
        "id": application.id,
        "application_id": application.uid,
        "application_name": application.name,
        "callback_url": application.redirect_uri,
        "confidential": application.confidential,
        **({"secret": secret} if secret else {}),
    }


@routes.post("/applications")
def create_application(call: Call, params: CreateApplication) -> dict[str, Any]:
    """Register an application."""
    call.need_admin()
    scopes = split(params.scopes)
    complaints = {
        "name": None if params.name.strip() else "can't be blank",
        "redirect_uri": problem(params.redirect_uri),
        "scopes": None if set(scopes) <= SCOPES.keys() else "doesn't match configured on the server.",
    }
    if any(complaints.values()):
        raise invalid(**{name: text for name, text in complaints.items() if text})
    secret = _secret()
    application = Application(
        uid=secrets.token_hex(32),
        name=params.name,
        secret_digest=digest(secret),
        redirect_uri=params.redirect_uri,
        scopes=scopes,
        confidential=params.confidential,
    )
    return application_entity(call.add(application), secret)


@routes.get("/applications")
def list_applications(call: Call) -> Page:
    """All applications."""
    call.need_admin()
    return call.page(select(Application).order_by(Application.id), Application.id, application_entity)


@routes.delete("/applications/{application_id}")
def delete_application(call: Call) -> None:
    """Remove an application, and with it whatever it was given."""
    call.session.delete(_find(call))


@routes.post("/applications/{application_id}/renew-secret")
def renew_secret(call: Call) -> dict[str, Any]:
    """Replace the secret; what was given before stays good."""
    application = _find(call)
    secret = _secret()
    application.secret_digest = digest(secret)
    return application_entity(application, secret)


def _find(call: Call) -> Application:
    call.need_admin()
    found = call.session.get(Application, call.number("application_id", "Application"))
    if found is None:
        raise not_found("Application")
    return found


def _secret() -> str:
    return generate("gloas-", SECRET_SIZE)
