"""`git http-backend` as a CGI program, streaming in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from testbed.gitlab.repositories import hook

__all__ = ["environment", "install_hooks", "program", "serve"]

CHUNK = 64 * 1024


def install_hooks(directory: Path) -> None:
    """Write the two hook scripts; repositories find them through `environment`."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("pre-receive", "post-receive"):
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -E -s -S "$GITLAB_DOUBLE_HOOK" {name}\n')
        script.chmod(0o700)


def environment(hooks: Path) -> dict[str, str]:
    """What Git runs with: nothing of the user's configuration, our hooks, GitLab's settings."""
    configuration = {
        "core.hooksPath": str(hooks),
        "http.receivepack": "true",
        "receive.advertisePushOptions": "true",
        "receive.denyDeleteCurrent": "ignore",
        "receive.hideRefs": "refs/merge-requests/",
        "safe.directory": "*",
        "uploadpack.allowAnySHA1InWant": "true",
        "uploadpack.allowFilter": "true",
    }
    result = {
        "GITLAB_DOUBLE_HOOK": hook.__file__,
        "GIT_CONFIG_COUNT": str(len(configuration)),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_HTTP_EXPORT_ALL": "1",
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
    }
    for index, (key, value) in enumerate(configuration.items()):
        result |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return result


class _GitResponse(StreamingResponse):
    """Streams without listening for a disconnect: the request's messages belong to `_feed` until Git has ended."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await self.stream_response(send)


async def serve(
    request: Request,
    variables: Mapping[str, str],
    repository: Path,
    service: str,
    finished: Callable[[], Awaitable[None]],
) -> Response:
    """Answer one request of a Git client.

    Args:
        request: the request, authorised already.
        variables: environment of Git.
        repository: its directory.
        service: the part of the path after the repository, such as ``/git-upload-pack``.
        finished: called after Git has ended and before the client learns of it.
    """
    process = await asyncio.create_subprocess_exec(
        program(),
        env={**variables, **_cgi(request, repository, service)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    feeding = asyncio.create_task(_feed(request, process))
    assert process.stdout is not None  # noqa: S101 - asked for above
    status, headers = await _head(process.stdout)
    if status == 0:
        await process.wait()
        feeding.cancel()
        return PlainTextResponse("git http-backend ended without an answer\n", 500)
    return _GitResponse(_stream(process, feeding, finished), status, headers)


@cache
def program() -> str:
    """The CGI program itself: `git http-backend` would be one process more.

    Raises:
        FileNotFoundError: when Git is missing, or comes without it.
    """
    git = shutil.which("git")
    if git is None:
        raise FileNotFoundError("git is not on PATH; install the package git")
    found = subprocess.run([git, "--exec-path"], capture_output=True, text=True, check=True)
    file = Path(found.stdout.strip()) / "git-http-backend"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing; install the whole package git")
    return str(file)


def _cgi(request: Request, repository: Path, service: str) -> dict[str, str]:
    # Not the length: Git would wait for all of it in a busy loop when the client, or this server, is gone half-way.
    names = {
        "content-type": "CONTENT_TYPE",
        "content-encoding": "HTTP_CONTENT_ENCODING",
        "git-protocol": "GIT_PROTOCOL",
    }
    return {
        "GIT_PROJECT_ROOT": str(repository.parent),
        "PATH_INFO": f"/{repository.name}{service}",
        "QUERY_STRING": request.url.query,
        "REMOTE_ADDR": request.client.host if request.client else "",
        "REMOTE_USER": "git",
        "REQUEST_METHOD": request.method,
        **{variable: request.headers[header] for header, variable in names.items() if header in request.headers},
    }


async def _feed(request: Request, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101 - asked for by the caller
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ClientDisconnect):
            async for chunk in request.stream():
                process.stdin.write(chunk)
                await process.stdin.drain()
    finally:
        process.stdin.close()  # Git ends by itself then, also after half a request


async def _head(stdout: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while line := (await stdout.readline()).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return (status, headers) if headers else (0, {})


async def _stream(
    process: asyncio.subprocess.Process, feeding: asyncio.Task[None], finished: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    assert process.stdout is not None  # noqa: S101 - asked for by the caller
    try:
        while chunk := await process.stdout.read(CHUNK):
            yield chunk
        await process.wait()
        await finished()
    finally:
        feeding.cancel()
        if process.returncode is None:
            process.terminate()
            await process.wait()
