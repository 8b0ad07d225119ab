"""What happens to codes and tokens by time alone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import AuthorizationCode, OAuthToken

__all__ = ["drop_ended"]

KEPT = timedelta(days=1)
"""For so long a code or token that has ended is told from one that never was."""

UNUSED = timedelta(days=30)
"""For so long the refresh token of an access token that has ended is waited for. GitLab waits for ever."""


def drop_ended(forge: Forge) -> None:
    """Remove codes and tokens that are of no use any more."""
    moment = now()
    with forge.database.write() as session:
        session.execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at < moment - KEPT))
        session.execute(
            delete(OAuthToken).where(
                (OAuthToken.revoked_at < moment - KEPT) | (OAuthToken.expires_at < moment - UNUSED)
            )
        )
