"""What is told about people to those who sign them in: GitLab's claims."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import member_of_group
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.oauth.issuing import Issued
from testbed.gitlab.store import Member, Namespace, OAuthToken, User

__all__ = ["CLAIMS", "id_claims", "user_claims"]

_ROLES = {
    "https://gitlab.org/claims/groups/owner": Level.OWNER,
    "https://gitlab.org/claims/groups/maintainer": Level.MAINTAINER,
    "https://gitlab.org/claims/groups/developer": Level.DEVELOPER,
}

CLAIMS = [
    *("iss", "sub", "aud", "exp", "iat", "auth_time"),
    *("name", "nickname", "preferred_username", "email", "email_verified", "profile", "groups", "groups_direct"),
    *_ROLES,
]


def id_claims(forge: Forge, session: Session, issued: Issued) -> dict[str, Any]:
    """What an ID token says."""
    token, moment = issued.token, int(time.time())
    return {
        "iss": forge.settings.external_url,
        "sub": str(token.user_id),
        "aud": token.application.uid,
        "exp": moment + forge.settings.id_token_seconds,
        "iat": moment,
        **({"nonce": issued.nonce} if issued.nonce else {}),
        "auth_time": int(token.created_at.timestamp()),
        **_person(forge, token),
        "groups_direct": _groups(session, token.user),
    }


def user_claims(forge: Forge, session: Session, token: OAuthToken) -> dict[str, Any]:
    """What ``/oauth/userinfo`` says."""
    mine = select(Namespace.full_path).where(
        Namespace.owner_id.is_(None), member_of_group(session, Actor(user=token.user), Level.GUEST)
    )
    by_role = {claim: _groups(session, token.user, level) for claim, level in _ROLES.items()}
    return {
        "sub": str(token.user_id),
        **_person(forge, token),
        "groups": sorted(session.scalars(mine)),
        **{claim: groups for claim, groups in by_role.items() if groups},
    }


def _person(forge: Forge, token: OAuthToken) -> dict[str, Any]:
    user = token.user
    # Without that scope GitLab tells the public address, which nobody has here.
    mail = {"email": user.email, "email_verified": True} if "email" in token.scopes else {}
    return {
        "name": user.name,
        "nickname": user.username,
        "preferred_username": user.username,
        **mail,
        "profile": forge.url(user.username),
    }


def _groups(session: Session, user: User, only: Level | None = None) -> list[str]:
    """The groups that somebody is a member of directly, with any role or just one."""
    levels = [only] if only is not None else [level for level in Level if level >= Level.GUEST]
    rows = (
        select(Namespace.full_path)
        .join(Member, Member.namespace_id == Namespace.id)
        .where(Member.user_id == user.id, Namespace.owner_id.is_(None))
        .where(Member.expires_at.is_(None) | (Member.expires_at > today()))
        .where(Member.access_level.in_(levels))
    )
    return sorted(session.scalars(rows))
