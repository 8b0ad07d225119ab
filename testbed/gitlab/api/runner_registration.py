"""The runner protocol: a runner and its own token."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.api.runner_access import calling_runner, note_contact
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import ApiError, not_found
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.store import RunnerManager

__all__ = ["routes"]

routes = Routes()


class RunnerCall(Params):
    """What every call of a runner carries."""

    token: str | None = None
    system_id: str | None = None
    info: dict[str, Any] = Field(default_factory=dict)


class RemoveManager(Params):
    """DELETE runners/managers."""

    token: str
    system_id: str


@routes.machine("POST", "/runners", status=201)
def register_runner(_call: Call) -> None:
    """Registration tokens are gone: runners are made by users, who get the runner's token."""
    raise ApiError(410, {"message": "410 Gone - runner registration disallowed"})


@routes.machine("POST", "/runners/verify", status=200)
def verify_runner(call: Call, params: RunnerCall) -> dict[str, Any]:
    """Whether a runner's token is good."""
    runner = calling_runner(call, params.token)
    note_contact(call, runner, params.system_id, params.info)
    return {"id": runner.id, "token": params.token or call.headers["runner-token"], "token_expires_at": None}


@routes.machine("POST", "/runners/reset_authentication_token", status=201)
def reset_own_token(call: Call, params: RunnerCall) -> dict[str, Any]:
    """Give the calling runner another token."""
    runner = calling_runner(call, params.token)
    secret = generate("glrt-")
    runner.digest = digest(secret)
    return {"token": secret, "token_expires_at": None}


@routes.machine("DELETE", "/runners", status=204)
def remove_runner(call: Call, params: RunnerCall) -> None:
    """Remove the calling runner."""
    call.session.delete(calling_runner(call, params.token))


@routes.machine("DELETE", "/runners/managers", status=204)
def remove_manager(call: Call, params: RemoveManager) -> None:
    """Forget one machine of the calling runner."""
    runner = calling_runner(call, params.token)
    same = (RunnerManager.runner_id == runner.id) & (RunnerManager.system_id == params.system_id)
    found = call.session.scalar(select(RunnerManager).where(same))
    if found is None:
        raise not_found("Runner manager")
    call.session.delete(found)
