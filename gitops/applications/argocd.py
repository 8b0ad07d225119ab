"""Argo CD's API, as far as the page needs it: it only reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx2

from gitops.errors import CommandError

__all__ = ["ArgoCD", "ArgoCDError", "Connection", "Data"]

Data = Mapping[str, Any]
"""An object of Argo CD's API."""

_TIMEOUT_S: Final = 15
_LOG_LINES: Final = 500


class ArgoCDError(Exception):
    """Argo CD did not answer as it should; a sentence for people, without any credential."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        """The HTTP status of Argo CD's answer; 502 when there was none."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to call Argo CD."""

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None
    """The certificate authority of its certificate, if not one of the system's."""

    @classmethod
    def of(cls, url: str | None, token: str | None, token_file: Path | None, ca_file: Path | None) -> Connection:
        """Return the connection that a command was told, with the token from a file or from the environment.

        Raises:
            CommandError: when something is missing or cannot be read.
        """
        if not url or not url.startswith(("http://", "https://")) or "@" in url:
            raise CommandError(
                "Argo CD's address is missing, or no http or https address without user and password",
                "Export ARGOCD_SERVER_URL, for example https://argocd.example.org, or use --server.",
            )
        try:
            read = token_file.read_text(encoding="utf-8").strip() if token_file else (token or "")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"the token cannot be read from {token_file}: {type(error).__name__}",
                "Name a readable file with --token-file, or export ARGOCD_AUTH_TOKEN.",
            ) from None
        if not read or not read.isascii() or any(map(str.isspace, read)):
            raise CommandError(
                "there is no usable token for Argo CD",
                "Export ARGOCD_AUTH_TOKEN, or name a file with --token-file. An account with the role readonly is "
                "enough: argocd account generate-token --account NAME",
            )
        if ca_file is not None and not ca_file.is_file():
            raise CommandError(f"there is no certificate authority in {ca_file}", "Correct --ca-file.")
        return cls(url=url.rstrip("/"), token=read, ca_file=ca_file)


class ArgoCD:
    """A client of one Argo CD. Names of applications are those of its API: lower-case letters, digits, hyphens."""

    def __init__(self, connection: Connection) -> None:
        self.url = connection.url
        self._client = httpx2.AsyncClient(
            base_url=connection.url,
            headers={"authorization": f"Bearer {connection.token}"},
            timeout=_TIMEOUT_S,
            verify=str(connection.ca_file) if connection.ca_file else True,
            # What is on loopback is behind no proxy; elsewhere the environment says what is.
            trust_env=not connection.url.startswith("http://127.0.0.1"),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def applications(self) -> list[Data]:
        """Return every application that the token may see."""
        return (await self._get("/api/v1/applications")).get("items") or []

    async def application(self, name: str) -> Data:
        """Return one application."""
        return await self._get(_path(name))

    async def tree(self, name: str) -> Data:
        """Return the objects of an application and those that they made, with the nodes that its pods are on."""
        return await self._get(f"{_path(name)}/resource-tree")

    async def events(self, name: str, node: Data | None = None) -> list[Data]:
        """Return the events of an application, or of one of its objects."""
        of_object = {} if node is None else _reference(node, "resourceNamespace", "resourceName", "resourceUID")
        return (await self._get(f"{_path(name)}/events", **of_object)).get("items") or []

    async def revision(self, name: str, revision: str) -> Data:
        """Return author, date and message of a commit; nothing where the revision is no commit or is not known."""
        try:
            return await self._get(f"{_path(name)}/revisions/{quote(revision, safe='')}/metadata")
        except ArgoCDError:
            return {}

    async def logs(self, name: str, node: Data, container: str | None, *, follow: bool) -> AsyncGenerator[Data, None]:
        """Yield the last lines of a pod's log, and with ``follow`` what comes after them."""
        wanted = {
            "namespace": node.get("namespace", ""),
            "podName": node.get("name", ""),
            "tailLines": str(_LOG_LINES),
            "follow": "true" if follow else "false",
            **({"container": container} if container else {}),
        }
        async with self._stream(f"{_path(name)}/logs", wanted) as lines:
            async for entry in lines:
                if not entry.get("last"):
                    yield entry

    async def changes(self, name: str | None) -> AsyncGenerator[None, None]:
        """Yield whenever an application, or without a name any, may look different; begins with one."""
        changed = asyncio.Event()
        watches = [("/api/v1/stream/applications", {"name": name} if name else {})]
        if name is not None:
            watches.append((f"/api/v1/stream{_path(name).removeprefix('/api/v1')}/resource-tree", {}))
        tasks = [asyncio.create_task(self._watch(path, query, changed)) for path, query in watches]
        for task in tasks:
            task.add_done_callback(lambda _: changed.set())
        try:
            while await changed.wait():
                if ended := [task for task in tasks if task.done()]:
                    ended[0].result()  # a stream that broke says why
                    return
                changed.clear()
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, path: str, query: Mapping[str, str], changed: asyncio.Event) -> None:
        async with self._stream(path, query) as messages:
            async for _ in messages:
                changed.set()

    @asynccontextmanager
    async def _stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Data]]:
        """The results of one of Argo CD's streams: a JSON object per line."""
        try:
            async with self._client.stream("GET", path, params=query, timeout=_patient()) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise _refused(answer)
                yield _results(answer)
        except httpx2.HTTPError as error:
            raise _unreachable(self.url, error) from None

    async def _get(self, path: str, **query: str) -> dict[str, Any]:
        try:
            answer = await self._client.get(path, params=query)
        except httpx2.HTTPError as error:
            raise _unreachable(self.url, error) from None
        if answer.status_code != 200:
            raise _refused(answer)
        try:
            found: dict[str, Any] = answer.json()
        except ValueError:
            raise ArgoCDError(502, f"{self.url} answers, but is no Argo CD") from None
        return found


async def _results(answer: httpx2.Response) -> AsyncIterator[Data]:
    async for line in answer.aiter_lines():
        if not line.strip():
            continue
        message = json.loads(line)
        if "error" in message:
            error = message["error"]
            raise ArgoCDError(int(error.get("http_code") or 502), str(error.get("message") or "Argo CD ended a stream"))
        yield message.get("result") or {}


def _patient() -> httpx2.Timeout:
    # A stream says nothing while nothing happens.
    return httpx2.Timeout(_TIMEOUT_S, read=None)


def _path(name: str) -> str:
    return f"/api/v1/applications/{quote(name, safe='')}"


def _reference(node: Data, namespace: str, name: str, uid: str) -> dict[str, str]:
    return {namespace: node.get("namespace", ""), name: node.get("name", ""), uid: node.get("uid", "")}


def _refused(answer: httpx2.Response) -> ArgoCDError:
    if answer.status_code == 401:
        return ArgoCDError(502, "Argo CD does not accept the page's token: it ended, or was revoked.")
    if answer.status_code in {403, 404}:
        # It says "permission denied" of what is not there, too.
        return ArgoCDError(404, "Argo CD has no such application, or the page's account may not see it.")
    try:
        said = str(answer.json().get("message"))
    except (ValueError, AttributeError):
        said = "no reason"
    return ArgoCDError(502, f"Argo CD answers {answer.status_code}: {said[:300]}")


def _unreachable(url: str, error: httpx2.HTTPError) -> ArgoCDError:
    return ArgoCDError(502, f"{url} does not answer: {type(error).__name__}")
