"""What follows when branches and tags have changed, whoever changed them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.following import branch_changed
from testbed.gitlab.pipelines.starting import start_for_push
from testbed.gitlab.repositories.policy import is_protected, protect_default_branch
from testbed.gitlab.repositories.rules import BRANCHES, ZERO, Change
from testbed.gitlab.repositories.spool import Receipt, left
from testbed.gitlab.store import Project, User
from testbed.gitlab.webhooks.payloads import push_payload
from testbed.gitlab.webhooks.queue import enqueue

__all__ = ["record", "sweep"]

log = logging.getLogger(__name__)


def record(
    forge: Forge,
    session: Session,
    project: Project,
    user: User,
    changes: Sequence[Change],
    options: Sequence[str] = (),
) -> None:
    """Note changes that are in the repository already: default branch, activity, web hooks, pipelines.

    Args:
        forge: the double.
        session: a writing session.
        project: what was pushed to.
        user: who pushed.
        changes: of branches and tags.
        options: of the push, such as ``ci.skip``.
    """
    repository = forge.storage.open(project.id)
    born = [
        change.ref.removeprefix(BRANCHES) for change in changes if change.creates and change.ref.startswith(BRANCHES)
    ]
    if born and set(repository.branches.local) == set(born):
        # The first push decides: the branch that HEAD names when it is there, else the first one pushed.
        if project.default_branch not in born:
            project.default_branch = born[0]
            repository.set_head(BRANCHES + born[0])
        protect_default_branch(session, project)
    project.last_activity_at = now()
    for change in changes:
        if change.ref.startswith(("refs/heads/", "refs/tags/")):
            trigger = "push_events" if change.ref.startswith(BRANCHES) else "tag_push_events"
            protected = is_protected(session, project, change.ref)
            payload = push_payload(project, user, change, repository, forge.settings.external_url, protected=protected)
            enqueue(session, project, trigger, payload)
            start_for_push(forge, session, project, user, change, options)
            if trigger == "push_events":
                branch_changed(forge, session, project, user, change)


def sweep(forge: Forge) -> None:
    """Record the pushes whose receipts are left.

    A receipt is removed after its changes are committed: when the server is killed in between, a hook is delivered
    twice rather than never.
    """
    with forge.database.write() as session:
        for receipt in left(forge.settings.spool):
            project = session.get(Project, receipt.project_id)
            user = session.get(User, receipt.user_id)
            if project is not None and user is not None:
                record(forge, session, project, user, _happened(forge, receipt), receipt.options)
            else:
                log.warning("a push to project %s is dropped: project or user is gone", receipt.project_id)
            # Still under the lock of writers, so that no other sweep finds it again.
            event.listen(session, "after_commit", partial(_remove, receipt.file), once=True)
    forge.courier.wake()


def _remove(file: Path, _session: Session) -> None:
    file.unlink(missing_ok=True)


def _happened(forge: Forge, receipt: Receipt) -> list[Change]:
    """The changes without those that a killed server announced and did not make."""
    references = forge.storage.open(receipt.project_id).references

    def present(change: Change) -> str:
        found = references.get(change.ref)
        return ZERO if found is None else str(found.target)

    return [change for change in receipt.changes if present(change) != change.old]
