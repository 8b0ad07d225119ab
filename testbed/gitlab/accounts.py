"""The accounts that a double starts with: the administrator and the platform's bot."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import today
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import AccessToken, Database, Namespace, User

__all__ = ["BOT", "ROOT", "AccountsError", "ensure_accounts"]

ROOT = "root"
BOT = "bighpc-bot"

SHORTEST_TOKEN = 20

ADMIN_SCOPES = ["api", "admin_mode", "sudo", "read_repository", "write_repository", "k8s_proxy"]
BOT_SCOPES = ["api", "read_repository", "write_repository", "k8s_proxy"]


class AccountsError(Exception):
    """A token file cannot be used; the message says why, without the token."""


def ensure_accounts(database: Database, root_token: Path, bot_token: Path | None) -> None:
    """Make sure that the accounts exist and that the tokens in the files open them.

    A changed file takes effect at the next start: the token it held before is revoked.

    Raises:
        AccountsError: when a file is missing, readable by others, or holds no token.
    """
    with database.write() as session:
        root = _ensure_user(session, ROOT, "Administrator", admin=True)
        _ensure_token(session, root, _read(root_token), ADMIN_SCOPES)
        if bot_token is not None:
            bot = _ensure_user(session, BOT, "BigHPC bot", admin=False)
            token = _read(bot_token)
            if token == _read(root_token):
                raise AccountsError(f"token file {bot_token}: the same token as in {root_token}; each needs its own")
            _ensure_token(session, bot, token, BOT_SCOPES)


def _read(file: Path) -> str:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        token = file.read_text().strip()
    except OSError as error:
        raise AccountsError(f"token file {file}: {error.strerror}; write the token there, mode 0600") from None
    if mode & 0o077:
        raise AccountsError(f"token file {file}: mode {mode:04o} lets others read it; run `chmod 600 {file}`")
    if len(token) < SHORTEST_TOKEN or token.split() != [token]:
        raise AccountsError(f"token file {file}: a token is one word of at least {SHORTEST_TOKEN} characters")
    return token


def _ensure_user(session: Session, username: str, name: str, *, admin: bool) -> User:
    found = session.scalar(select(User).where(User.username == username))
    if found is not None:
        return found
    user = User(username=username, name=name, email=f"{username}@testbed.invalid", admin=admin)
    session.add(user)
    session.flush()
    session.add(Namespace(name=name, path=username, full_path=username, full_name=name, owner_id=user.id))
    return user


def _ensure_token(session: Session, user: User, token: str, scopes: list[str]) -> None:
    name = "testbed"
    for old in session.scalars(select(AccessToken).where(AccessToken.user_id == user.id, AccessToken.name == name)):
        if old.digest == digest(token):
            old.revoked, old.scopes, old.expires_at = False, scopes, today() + timedelta(days=365)
            return
        old.revoked = True
    session.add(
        AccessToken(
            user_id=user.id, name=name, digest=digest(token), scopes=scopes, expires_at=today() + timedelta(days=365)
        )
    )
