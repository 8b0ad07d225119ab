"""GitLab's runner protocol, the client's side."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import httpx2
from pydantic import ValidationError

from testbed.runner.model import Dependency, Job, Output

__all__ = ["VERSION", "Answer", "Client", "ProtocolError", "RefusedError", "Request"]

VERSION = "18.5.0"
"""The gitlab-runner release whose behaviour is followed."""

_LIMITS = httpx2.Timeout(60.0, connect=10.0)
_FEATURES = (
    "variables",
    "artifacts",
    "artifacts_exclude",
    "cache",
    "fallback_cache_keys",
    "upload_multiple_artifacts",
    "upload_raw_artifacts",
    "refspecs",
    "masking",
    "raw_variables",
    "trace_reset",
    "trace_checksum",
    "trace_size",
    "cancelable",
    "return_exit_code",
)


class ProtocolError(Exception):
    """GitLab cannot be reached, or does not answer as the protocol says."""


class RefusedError(ProtocolError):
    """GitLab does not know the runner's token."""


@dataclass(frozen=True)
class Answer:
    """What GitLab said to a call about a job."""

    status: int
    job_status: str = ""
    offset: int | None = None
    """Where the log has to go on."""
    interval: float | None = None
    """Seconds until the next piece of the log is welcome."""


@dataclass(frozen=True)
class Request:
    """The answer to the question for a job."""

    job: Job | None
    last_update: str | None


class Client:
    """One runner's connection to one GitLab. Safe to use from several threads."""

    def __init__(self, url: str, token: str, system_id: str, *, containers: bool) -> None:
        """Remember the address, the runner's token and the name of this machine."""
        self._api = f"{url.rstrip('/')}/api/v4/"
        self._token = token
        self._system_id = system_id
        self._containers = containers
        # The environment's proxies are for jobs; the runner talks to the address that it was given.
        self._http = httpx2.Client(timeout=_LIMITS, trust_env=False, headers={"User-Agent": f"gitlab-runner {VERSION}"})

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def verify(self) -> None:
        """Make sure that GitLab knows the token.

        Raises:
            RefusedError: when it does not.
            ProtocolError: when it does not answer.
        """
        status = self._send("POST", "runners/verify", json=self._own(), headers=self._runner_header).status_code
        if status == 403:
            raise RefusedError("GitLab does not know the runner's token; make another with POST user/runners")
        if status != 200:
            raise ProtocolError(f"GitLab answers {status} to the runner's token")

    def request(self, last_update: str | None) -> Request:
        """Ask for a job; GitLab may take its time when it has none."""
        body = {**self._own(), **({"last_update": last_update} if last_update else {})}
        answer = self._send("POST", "jobs/request", json=body, headers=self._runner_header)
        if answer.status_code == 201:
            return Request(self._job(answer), None)
        if answer.status_code == 204:
            return Request(None, answer.headers.get("X-GitLab-Last-Update"))
        if answer.status_code == 403:
            raise RefusedError("GitLab does not know the runner's token any more")
        raise ProtocolError(f"GitLab answers {answer.status_code} to the question for a job")

    def patch_trace(self, job_id: int, token: str, offset: int, data: bytes) -> Answer:
        """Send a piece of a log."""
        headers = {
            "JOB-TOKEN": token,
            "Content-Type": "text/plain",
            "Content-Range": f"{offset}-{offset + len(data) - 1}",
        }
        answer = self._send("PATCH", f"jobs/{job_id}/trace?debug_trace=false", content=data, headers=headers)
        return _answer(answer)

    def update(self, job_id: int, token: str, state: str, **facts: Any) -> Answer:
        """Say how a job goes or ended."""
        body = {"token": token, "state": state, "info": self._info, **facts}
        return _answer(self._send("PUT", f"jobs/{job_id}", json=body, headers={"JOB-TOKEN": token}))

    def upload(self, job: Job, output: Output, name: str, content: IO[bytes]) -> int:
        """Send a file of a job; returns the status."""
        query = {"artifact_format": output.artifact_format, "artifact_type": output.artifact_type}
        if output.expire_in:
            query["expire_in"] = output.expire_in
        return self._send(
            "POST",
            f"jobs/{job.id}/artifacts",
            params=query,
            files={"file": (name, content)},
            headers={"JOB-TOKEN": job.token},
        ).status_code

    def download(self, dependency: Dependency, target: IO[bytes]) -> int:
        """Fetch the archive of a job before into a file; returns the status."""
        address = f"{self._api}jobs/{dependency.id}/artifacts"
        try:
            with self._http.stream(
                "GET", address, headers={"JOB-TOKEN": dependency.token}, follow_redirects=True
            ) as answer:
                if answer.status_code == 200:
                    target.seek(0)
                    target.truncate()
                    for piece in answer.iter_bytes():
                        target.write(piece)
                return answer.status_code
        except httpx2.HTTPError as error:
            raise ProtocolError(f"{self._api}: {type(error).__name__}") from None

    def _job(self, answer: httpx2.Response) -> Job:
        try:
            return Job.model_validate_json(answer.content)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        sent = answer.json()
        if isinstance(sent, dict) and "id" in sent and "token" in sent:
            self.update(sent["id"], sent["token"], "failed", failure_reason="runner_system_failure")
        raise ProtocolError(f"GitLab sends a job that cannot be read: {places}")

    @property
    def _runner_header(self) -> dict[str, str]:
        return {"RUNNER-TOKEN": self._token}

    @property
    def _info(self) -> dict[str, Any]:
        machine = platform.machine()
        features = dict.fromkeys(_FEATURES, True)
        if self._containers:
            features["image"] = True
        return {
            "name": "bighpc-runner",
            "version": VERSION,
            "revision": "testbed",
            "platform": "linux",
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
            "executor": "shell",
            "shell": "bash",
            "features": features,
        }

    def _own(self) -> dict[str, Any]:
        return {"token": self._token, "system_id": self._system_id, "info": self._info}

    def _send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        try:
            return self._http.request(method, self._api + path, **arguments)
        except httpx2.HTTPError as error:
            # The error's own text may repeat what was sent.
            raise ProtocolError(f"{self._api}: {type(error).__name__}") from None


def _answer(response: httpx2.Response) -> Answer:
    headers: Mapping[str, str] = response.headers
    _, _, end = headers.get("Range", "").partition("-")
    interval = headers.get("X-GitLab-Trace-Update-Interval", "")
    return Answer(
        status=response.status_code,
        job_status=headers.get("Job-Status", ""),
        offset=int(end) if end.isdecimal() else None,
        interval=float(interval) if interval.isdecimal() and interval != "0" else None,
    )
