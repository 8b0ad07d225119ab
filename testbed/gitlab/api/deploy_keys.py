"""Deploy keys of projects."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import DeployKey, DeployKeyUse, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)

KINDS = frozenset(
    {
        "ssh-rsa",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "sk-ssh-ed25519@openssh.com",
    }
)


class CreateDeployKey(Params):
    """POST projects/:id/deploy_keys."""

    title: NotEmpty
    key: NotEmpty
    can_push: bool = False
    expires_at: Instant | None = None


class UpdateDeployKey(Params):
    """PUT projects/:id/deploy_keys/:key_id."""

    title: str | None = None
    can_push: bool | None = None


def deploy_key_entity(use: DeployKeyUse) -> dict[str, Any]:
    """A key, as used in a project."""
    return {
        "id": use.key.id,
        "title": use.key.title,
        "created_at": use.key.created_at,
        "expires_at": use.key.expires_at,
        "key": use.key.key,
        "fingerprint": use.key.fingerprint,
        "fingerprint_sha256": use.key.fingerprint_sha256,
        "can_push": use.can_push,
    }


@routes.get("/projects/{id}/deploy_keys")
def list_deploy_keys(call: Call) -> Page:
    """The keys."""
    project = call.project(Level.MAINTAINER)
    statement = select(DeployKeyUse).where(DeployKeyUse.project_id == project.id).order_by(DeployKeyUse.id)
    return call.page(statement, DeployKeyUse.id, deploy_key_entity)


@routes.get("/projects/{id}/deploy_keys/{key_id}")
def get_deploy_key(call: Call) -> dict[str, Any]:
    """One key."""
    return deploy_key_entity(_find(call))


@routes.post("/projects/{id}/deploy_keys")
def create_deploy_key(call: Call, params: CreateDeployKey) -> dict[str, Any]:
    """Use a key in a project; the same key elsewhere is one key."""
    project = call.project(Level.MAINTAINER)
    md5, sha256 = _fingerprints(params.key)
    key = call.session.scalar(select(DeployKey).where(DeployKey.fingerprint_sha256 == sha256))
    if key is None:
        key = DeployKey(
            title=params.title,
            key=params.key.strip(),
            fingerprint=md5,
            fingerprint_sha256=sha256,
            expires_at=params.expires_at,
        )
        call.add(key)
    return deploy_key_entity(_use(call, project, key, params.can_push))


@routes.put("/projects/{id}/deploy_keys/{key_id}")
def update_deploy_key(call: Call, params: UpdateDeployKey) -> dict[str, Any]:
    """Rename a key, or let it push or not."""
    use = _find(call)
    if params.title is not None:
        use.key.title = params.title
    if params.can_push is not None:
        use.can_push = params.can_push
    call.session.flush()
    return deploy_key_entity(use)


@routes.post("/projects/{id}/deploy_keys/{key_id}/enable")
def enable_deploy_key(call: Call) -> dict[str, Any]:
    """Use a known key in a further project."""
    project = call.project(Level.MAINTAINER)
    key = call.session.get(DeployKey, call.number("key_id", "Deploy Key"))
    if key is None:
        raise not_found("Deploy Key")
    return deploy_key_entity(_use(call, project, key, False))


@routes.delete("/projects/{id}/deploy_keys/{key_id}")
def delete_deploy_key(call: Call) -> None:
    """Stop using a key; one that nobody uses is gone."""
    use = _find(call)
    key = use.key
    call.session.delete(use)
    call.session.flush()
    if call.session.scalar(select(DeployKeyUse.id).where(DeployKeyUse.deploy_key_id == key.id)) is None:
        call.session.delete(key)


def _find(call: Call) -> DeployKeyUse:
    project = call.project(Level.MAINTAINER)
    number = call.number("key_id", "Deploy Key")
    same = select(DeployKeyUse).where(DeployKeyUse.project_id == project.id, DeployKeyUse.deploy_key_id == number)
    found = call.session.scalar(same)
    if found is None:
        raise not_found("Deploy Key")
    return found


def _use(call: Call, project: Project, key: DeployKey, can_push: bool) -> DeployKeyUse:
    same = select(DeployKeyUse).where(DeployKeyUse.project_id == project.id, DeployKeyUse.deploy_key_id == key.id)
    found = call.session.scalar(same)
    return found or call.add(DeployKeyUse(project_id=project.id, key=key, can_push=can_push))


def _fingerprints(key: str) -> tuple[str, str]:
    kind, _, rest = key.strip().partition(" ")
    try:
        content = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error:
        content = b""
    if kind not in KINDS or kind.encode() not in content[: 4 + len(kind)]:
        raise invalid(key="is invalid", fingerprint_sha256="cannot be generated")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return ":".join(md5[start : start + 2] for start in range(0, 32, 2)), f"SHA256:{sha256}"
