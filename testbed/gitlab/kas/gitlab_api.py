"""What the agent server asks GitLab."""

from __future__ import annotations

from typing import Any

import httpx2

from testbed.gitlab.kas.credentials import Credentials, Kind
from testbed.gitlab.kas.refusals import RefusedError

__all__ = ["GitLabApi"]

_ANSWER_LIMIT = 10.0

_JOB_REFUSALS = {
    401: "Unauthorized: CI job token",
    403: "Forbidden: CI job token",
    404: "Not found: agents for CI job token",
}


class GitLabApi:
    """GitLab's API, as the agent server uses it."""

    def __init__(self, url: str, secret: str) -> None:
        """Talk to the GitLab at `url`, and prove ourselves with `secret`."""
        self._http = httpx2.AsyncClient(base_url=f"{url}/api/v4/", timeout=_ANSWER_LIMIT, trust_env=False)
        self._own = {"Gitlab-Kas-Api-Request": secret}

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def authorize(self, credentials: Credentials) -> None:
        """Ask whether the caller may use the agent.

        Raises:
            RefusedError: 401, 403 or 404 as GitLab's own agent server has it; 500 when GitLab does not answer.
        """
        if credentials.kind is Kind.JOB:
            await self._authorize_job(credentials)
        else:
            await self._authorize_person(credentials)

    async def agent_of(self, token: str) -> int | None:
        """The number of the agent that an active token is of, or nothing; GitLab notes that the agent called.

        Raises:
            RefusedError: 500 when GitLab does not answer.
        """
        headers = {**self._own, "Gitlab-Agent-Api-Request": token}
        answer = await self._ask("GET", "internal/kubernetes/agent_info", headers)
        return int(answer.json()["agent_id"]) if answer.status_code == 200 else None

    async def _authorize_job(self, credentials: Credentials) -> None:
        path = "job/allowed_agents"
        answer = await self._ask("GET", path, {"Job-Token": credentials.token})
        if answer.status_code in _JOB_REFUSALS:
            reason = f"HTTP status code: {answer.status_code} for path /api/v4/{path}"
            raise RefusedError(answer.status_code, f"{_JOB_REFUSALS[answer.status_code]}: {reason}")
        if answer.status_code != 200:
            raise RefusedError(500, "Failed to get allowed agents for CI job token")
        if all(each["id"] != credentials.agent_id for each in answer.json()["allowed_agents"]):
            raise RefusedError(403, "Forbidden: agentId is not allowed")

    async def _authorize_person(self, credentials: Credentials) -> None:
        asked = {
            "agent_id": credentials.agent_id,
            "access_type": "personal_access_token",
            "access_key": credentials.token,
        }
        answer = await self._ask("POST", "internal/kubernetes/authorize_proxy_user", self._own, json=asked)
        if answer.status_code in (401, 403, 404):
            # Whether the agent exists is nothing that strangers learn.
            raise RefusedError(401, "Unauthorized")
        if answer.status_code != 200:
            raise RefusedError(500, "Failed to authorize user session")

    async def _ask(self, method: str, path: str, headers: dict[str, str], **arguments: Any) -> httpx2.Response:
        try:
            return await self._http.request(method, path, headers=headers, **arguments)
        except httpx2.HTTPError as error:
            raise RefusedError(500, f"GitLab does not answer: {type(error).__name__}") from None
