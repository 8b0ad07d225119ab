"""GitLab's REST API, through python-gitlab, safe to use from several threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitlab import Gitlab

__all__ = ["Api", "ApiError", "Configuration", "NotConfiguredError"]

Answer = dict[str, Any]
Query = Mapping[str, Any] | None

_TIMEOUT = 30.0  # seconds for one answer
_WAIT = 120.0  # seconds that GitLab's background jobs may take
_PAUSE = 0.2  # seconds between looks at first; it doubles up to the next
_LONGEST_PAUSE = 3.0
_RETRIES = 6  # the waits double from 0.1 s: some 6 s in all, unless GitLab names its own (Retry-After)


class NotConfiguredError(Exception):
    """The provider does not know which GitLab it works with, or as whom."""


class ApiError(Exception):
    """GitLab refused, or could not be reached; the message is for people."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Where GitLab is and who we are there."""

    url: str = "https://gitlab.com"
    token: str | None = None
    verify: bool | str = True
    retries: int = _RETRIES

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> Configuration:
        """From the provider's configuration; what is missing there comes from the environment.

        Raises:
            ValueError: when a value is none that can be used.
        """
        url = str(variables.get("baseUrl") or os.environ.get("GITLAB_BASE_URL") or cls.url)
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"baseUrl {url!r}: it must start with http:// or https://, such as https://host/api/v4/")
        insecure = str(variables.get("insecure", "")).lower() == "true"
        return cls(
            url=url.rstrip("/").removesuffix("/api/v4"),
            token=variables.get("token") or os.environ.get("GITLAB_TOKEN"),
            verify=False if insecure else variables.get("cacertFile") or True,
            retries=int(variables.get("retries", _RETRIES)),
        )


class Api:
    """Calls GitLab; transient failures (429, 5xx, lost connections) are repeated with growing waits, up to a limit."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._threads = threading.local()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Start nothing more, and wait for nothing more."""
        self._cancelled.set()

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for one of GitLab's background jobs.

        Raises:
            ApiError: when it takes too long, or when the update is cancelled.
        """
        limit = time.monotonic() + _WAIT
        pause = _PAUSE
        while not done():
            if time.monotonic() > limit:
                raise ApiError(f"waited {_WAIT:.0f} s in vain for {what}: look at GitLab's background jobs (Sidekiq)")
            self._cancelled.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def get(self, path: str, query: Query = None) -> Answer:
        """One object."""
        return self._call("get", path, query=query)

    def find(self, path: str, query: Query = None) -> Answer | None:
        """One object, or None where there is none (any more)."""
        try:
            return self.get(path, query)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, query: Query = None) -> list[Answer]:
        """All objects of a collection, page by page."""
        client = self._client()
        with _explaining("get", path):
            return list(client.http_list(path, query_data=dict(query or {}), get_all=True, **self._limits()))

    def send(self, verb: str, path: str, data: Mapping[str, Any] | None = None, query: Query = None) -> Answer:
        """POST, PUT or PATCH."""
        return self._call(verb, path, data=dict(data or {}), query=query)

    def delete(self, path: str, query: Query = None, data: Answer | None = None) -> None:
        """DELETE; already gone is fine."""
        try:
            self._call("delete", path, data=data, query=query)
        except ApiError as error:
            if error.status != 404:
                raise

    def _call(self, verb: str, path: str, *, data: Answer | None = None, query: Query = None) -> Answer:
        if self._cancelled.is_set():
            raise ApiError("the update was cancelled")
        client = self._client()
        with _explaining(verb, path):
            response = client.http_request(verb, path, query_data=dict(query or {}), post_data=data, **self._limits())
            answer = response.json() if response.content else {}
        return answer if isinstance(answer, dict) else {"items": answer}

    def _limits(self) -> dict[str, Any]:
        return {"max_retries": self.configuration.retries, "retry_transient_errors": True}

    def _client(self) -> Gitlab:
        """The client of this thread: its HTTP session is not made for more."""
        client: Gitlab | None = getattr(self._threads, "client", None)
        if client is None:
            # Half of this process's start-up time, and a preview may never need it.
            from gitlab import Gitlab

            settings = self.configuration
            if not settings.token:
                raise NotConfiguredError(
                    "no GitLab token: set GITLAB_TOKEN, or `pulumi config set --secret gitlab:token`"
                )
            client = Gitlab(
                settings.url,
                private_token=settings.token,
                ssl_verify=settings.verify,
                timeout=_TIMEOUT,
                user_agent="bighpc-testbed-provider",
            )
            self._threads.client = client
        return client


class _explaining:  # noqa: N801 - a context manager, read as a verb
    """Turns what python-gitlab and requests raise into an `ApiError` that says what GitLab said."""

    def __init__(self, verb: str, path: str) -> None:
        self._request = f"{verb.upper()} {path}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None:
            return
        from gitlab.exceptions import GitlabError
        from requests import RequestException

        if isinstance(error, GitlabError):
            status = error.response_code
            raise ApiError(
                f"GitLab answered {self._request} with {status}: {_said(error.error_message)}", status
            ) from error
        if isinstance(error, RequestException):
            raise ApiError(
                f"GitLab did not answer {self._request}: {_root(error)}; check that it runs and that baseUrl or "
                "GITLAB_BASE_URL is right"
            ) from error


def _root(error: BaseException) -> BaseException:
    """What went wrong in the first place, beneath what the layers above made of it."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _said(message: Any) -> str:
    """GitLab's message, whether it is a sentence, a list or an object of lists."""
    if isinstance(message, bytes):
        return message.decode(errors="replace")
    if isinstance(message, dict):
        return "; ".join(f"{name} {_said(reasons)}" for name, reasons in message.items())
    if isinstance(message, list):
        return ", ".join(_said(item) for item in message)
    return str(message)
