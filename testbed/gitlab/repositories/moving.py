"""Setting, creating and deleting a ref, safe against everybody else who does."""

from __future__ import annotations

from pathlib import Path

import pygit2
from sqlalchemy import event
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories import spool
from testbed.gitlab.repositories.pushes import record
from testbed.gitlab.repositories.rules import ZERO, Change
from testbed.gitlab.store import Project, User

__all__ = ["MovedError", "move_ref"]


class MovedError(Exception):
    """The ref is no longer where the change found it, or somebody is moving it right now."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"Could not update {ref}. Please refresh and try again.")


def move_ref(forge: Forge, session: Session, project: Project, user: User, change: Change) -> None:
    """Make a change if the ref still is where the change says, then do what follows a push.

    Writers of the database take turns, but Git's own pushes do not wait for them: the ref is locked and compared.

    Raises:
        MovedError: when it is not; nothing has changed then.
    """
    receipt = spool.write(forge.settings.spool, project.id, user.id, [change])
    try:
        _swap(forge.storage.open(project.id), change)
    except MovedError:
        receipt.unlink()
        raise
    _forget_when_over(session, receipt)
    record(forge, session, project, user, [change])


def _swap(repository: pygit2.Repository, change: Change) -> None:
    try:
        with repository.transaction() as transaction:
            transaction.lock_ref(change.ref)
            found = repository.references.get(change.ref)
            if (ZERO if found is None else str(found.target)) != change.old:
                raise MovedError(change.ref)
            if change.deletes:
                transaction.remove(change.ref)
            else:
                transaction.set_target(change.ref, change.new)
    except (pygit2.GitError, ValueError, OSError):
        raise MovedError(change.ref) from None


def _forget_when_over(session: Session, receipt: Path) -> None:
    for occasion in ("after_commit", "after_rollback"):
        event.listen(session, occasion, lambda _: receipt.unlink(missing_ok=True), once=True)
