"""``/oauth/authorize``: whether an application may do what it asks for in the visitor's name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from testbed.gitlab.core.errors import rejected
from testbed.gitlab.oauth.asking import Asked
from testbed.gitlab.oauth.issuing import allowed_before, make_code
from testbed.gitlab.oauth.redirects import form_action
from testbed.gitlab.oauth.refusals import NO_STORE, OAuthError
from testbed.gitlab.oauth.scopes import SCOPES, beyond
from testbed.gitlab.store import User
from testbed.gitlab.web.content_policy import content_policy
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["policy_for", "views"]

views = Views()

ADDRESS = "/oauth/authorize"


@views.site(ADDRESS)
def ask(visit: Visit) -> Response:
    """The page of consent; straight back to the application when the visitor has allowed the same before."""
    sent = visit.request.query_params
    user = visit.actor.user
    if user is None and "none" not in sent.get("prompt", "").split():
        return visit.go(f"/users/sign_in?return_to={quote(f'{ADDRESS}?{visit.request.url.query}', safe='')}")
    asked = _read(visit.session, sent)
    try:
        asked.check()
        if user is None:
            raise OAuthError("login_required")
        too_much = beyond(asked.scopes, visit.actor.scopes)
        if too_much or asked.prompts("consent") or not allowed_before(visit.session, asked, user):
            if asked.prompts("none"):
                raise OAuthError("consent_required")
            return _page(visit, asked, too_much)
    except OAuthError as error:
        return _back(visit, asked.refused(error))
    # Whoever only reads a page is given a session for reading.
    with visit.forge.database.write() as session:
        code = make_code(session, asked, user)
    return _back(visit, asked.granted(code))


@views.site(ADDRESS, method="POST")
def decide(visit: Visit) -> Response:
    """Send the visitor back with what was decided."""
    asked = _read(visit.session, visit.form)
    try:
        asked.check()
        if visit.actor.user is None:
            raise OAuthError("login_required")
        if visit.form.get("decision") != "authorize":
            raise OAuthError("access_denied")
        too_much = beyond(asked.scopes, visit.actor.scopes)
        if too_much:
            return _page(visit, asked, too_much)
    except OAuthError as error:
        return _back(visit, asked.refused(error))
    return _back(visit, asked.granted(make_code(visit.session, asked, visit.actor.user)))


def policy_for(session: Session, wanted: str) -> str:
    """The content policy of the page of signing in, which may lead by way of this one to an application."""
    path, _, query = wanted.partition("?")
    if path == ADDRESS:
        try:
            return content_policy(form_action(Asked.read(session, dict(parse_qsl(query))).redirect_uri))
        except OAuthError:
            pass
    return content_policy()


def _read(session: Session, sent: Mapping[str, str]) -> Asked:
    try:
        return Asked.read(session, sent)
    except OAuthError as error:
        raise rejected(400, error.description) from None


def _page(visit: Visit, asked: Asked, too_much: list[str]) -> Response:
    owner: User | None = visit.actor.user
    page = visit.show(
        "authorize.html",
        status=403 if too_much else 200,
        asked=asked,
        owner=owner,
        abilities=[(scope, SCOPES[scope]) for scope in asked.scopes],
        too_much=too_much,
    )
    page.headers["content-security-policy"] = content_policy(form_action(asked.redirect_uri))
    page.headers.update(NO_STORE)
    return page


def _back(visit: Visit, address: str) -> Response:
    answer = visit.go(address)
    answer.headers.update(NO_STORE)
    return answer
