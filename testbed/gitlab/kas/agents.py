"""The agents that are connected, and as whom they act in the cluster.

There is no agentk to be had here, so what it would do is done from outside: an agent is connected when the cluster
holds a Secret with a token that GitLab knows. It then acts as the service account beside that Secret, with tokens of a
few minutes that are void as soon as the Secret is gone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.config.kubeconfig import SingleConfig
from lightkube.models.authentication_v1 import BoundObjectReference, TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret, ServiceAccountToken

from testbed.gitlab.kas.gitlab_api import GitLabApi
from testbed.gitlab.kas.refusals import RefusedError

__all__ = ["SERVICE_ACCOUNT", "TOKEN_SECRET", "Agents", "Connection"]

TOKEN_SECRET = "gitlab-agent-token"  # noqa: S105 - the name that the platform gives the object
SERVICE_ACCOUNT = "gitlab-agent"

LOOKED_FOR_EVERY = 5.0
"""Seconds until the cluster is asked again which agents it has, while somebody wants to know."""
REPORTED_EVERY = 60.0
"""Seconds between an agent's calls, by which GitLab knows that it is there."""
TOKEN_LIFETIME_S = 600
"""The shortest that Kubernetes gives."""
_MARGIN_S = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An agent's place in the cluster."""

    namespace: str
    secret_uid: str


@dataclass
class _Bearer:
    token: str = field(repr=False)
    expires: float


class Agents:
    """The agents of one cluster."""

    def __init__(self, config: SingleConfig, gitlab: GitLabApi, clock: Callable[[], float] = time.time) -> None:
        """Look for agents in the cluster of a kubeconfig, and ask GitLab whose their tokens are."""
        self._config = config
        self._gitlab = gitlab
        self._clock = clock
        self._cluster: AsyncClient | None = None
        self._found: Mapping[int, Connection] = {}
        self._looked = float("-inf")
        self._bearers: dict[Connection, _Bearer] = {}
        self._looking = asyncio.Lock()

    @property
    def _api(self) -> AsyncClient:
        if self._cluster is None:
            self._cluster = AsyncClient(config=self._config, trust_env=False)
        return self._cluster

    async def report(self) -> None:
        """Tell GitLab again and again which agents are there, until cancelled."""
        while True:
            try:
                await self._look(0)
            except RefusedError as refused:
                log.warning("agents are looked for again in %.0f s: %s", REPORTED_EVERY, refused)
            await asyncio.sleep(REPORTED_EVERY)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._cluster is not None:
            await self._cluster.close()

    async def bearer(self, agent_id: int) -> str:
        """A token of the service account that an agent acts as.

        Raises:
            RefusedError: 502 when the agent is not connected, or the cluster does not give the token.
        """
        await self._look(LOOKED_FOR_EVERY)
        connection = self._found.get(agent_id)
        if connection is None:
            raise RefusedError(502, "Agent connection not found. Is agent up to date and connected?")
        known = self._bearers.get(connection)
        if known is None or known.expires - self._clock() < _MARGIN_S:
            known = self._bearers[connection] = await self._request_token(connection)
        return known.token

    async def _look(self, age: float) -> None:
        """Find out which agents there are, unless that is known since `age` seconds at most."""
        async with self._looking:
            if self._clock() - self._looked < age:
                return
            found: dict[int, Connection] = {}
            try:
                # By name: no right to read any other secret is needed.
                async for secret in self._api.list(Secret, namespace="*", fields={"metadata.name": TOKEN_SECRET}):
                    agent, connection = await self._recognise(secret)
                    if agent is not None:
                        found[agent] = connection
            except (ApiError, httpx2.HTTPError) as error:
                raise RefusedError(502, f"the cluster's agents cannot be found: {_reason(error)}") from None
            self._found = found
            self._bearers = {each: bearer for each, bearer in self._bearers.items() if each in found.values()}
            self._looked = self._clock()

    async def _recognise(self, secret: Secret) -> tuple[int | None, Connection]:
        facts = secret.metadata
        assert facts is not None  # noqa: S101 - whatever the API server lists has metadata
        connection = Connection(namespace=facts.namespace or "", secret_uid=facts.uid or "")
        try:
            token = base64.b64decode((secret.data or {}).get("token", "")).decode("ascii").strip()
        except (binascii.Error, UnicodeDecodeError):
            token = ""
        return (await self._gitlab.agent_of(token) if token else None), connection

    async def _request_token(self, connection: Connection) -> _Bearer:
        bound = BoundObjectReference(apiVersion="v1", kind="Secret", name=TOKEN_SECRET, uid=connection.secret_uid)
        wanted = ServiceAccountToken(
            metadata=ObjectMeta(name=SERVICE_ACCOUNT, namespace=connection.namespace),
            spec=TokenRequestSpec(audiences=[], boundObjectRef=bound, expirationSeconds=TOKEN_LIFETIME_S),
        )
        try:
            made = await self._api.create(wanted, SERVICE_ACCOUNT, namespace=connection.namespace)
        except (ApiError, httpx2.HTTPError) as error:
            account = f"{connection.namespace}/{SERVICE_ACCOUNT}"
            raise RefusedError(502, f"no token for service account {account}: {_reason(error)}") from None
        status = made.status
        if status is None or not status.token or not isinstance(status.expirationTimestamp, datetime):
            raise RefusedError(502, "the cluster gave no token for the agent's service account")
        return _Bearer(token=status.token, expires=status.expirationTimestamp.timestamp())


def _reason(error: ApiError | httpx2.HTTPError) -> str:
    if isinstance(error, ApiError):
        return error.status.message or str(error.status.code)
    return type(error).__name__
