"""The live page of applications as a supervised process, and the account by which it looks at Argo CD."""

from __future__ import annotations

import base64
import importlib.metadata
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from lightkube.resources.core_v1 import Secret

from testbed.cluster.objects import reached
from testbed.context import Context
from testbed.errors import UserError
from testbed.files import private_directory, write_private
from testbed.probes import http_probe
from testbed.processes import NotReadyError, Process
from testbed.startup import Task

__all__ = ["ACCOUNT", "ACCOUNT_POLICY", "page_items"]

ACCOUNT = "applications-page"
"""The page's account in Argo CD: it has tokens, and cannot sign in."""

ACCOUNT_POLICY = (
    f"p, role:{ACCOUNT}, applications, get, */*, allow\n"
    f"p, role:{ACCOUNT}, logs, get, */*, allow\n"
    f"g, {ACCOUNT}, role:{ACCOUNT}\n"
)
"""It sees applications and their logs, and changes nothing."""

_NAME = "applications"
_TOKEN = "argocd-applications-token"  # noqa: S105 - the name of the file and of the task that writes it


def page_items(context: Context) -> list[Process | Task]:
    """The page, and the task that gets it its token."""
    url = context.applications_url
    return [
        Task(name=_TOKEN, run=partial(_ensure_token, context), after=("argocd-server",)),
        Process(
            name=_NAME,
            command=(
                *(str(Path(sys.prefix) / "bin" / "bighpc"), "applications", "serve"),
                f"--server={_argocd_url(context)}",
                f"--token-file={_token_file(context)}",
                f"--port={context.ports[_NAME]}",
            ),
            version=f"v{importlib.metadata.version('bighpc')}",
            probe=http_probe(f"{url}/-/ready"),
            url=url,
            after=(_TOKEN,),
        ),
    ]


def _argocd_url(context: Context) -> str:
    return f"http://127.0.0.1:{context.ports['argocd-server']}"


def _token_file(context: Context) -> Path:
    return private_directory(context.layout.secrets) / _TOKEN


def _ensure_token(context: Context) -> None:
    """Have Argo CD issue a token of the page's account, once.

    Raises:
        NotReadyError: when Argo CD or the cluster does not answer as it should.
        UserError: when the administrator's first password is gone.
    """
    file = _token_file(context)
    if file.is_file():
        return
    try:
        with httpx2.Client(base_url=f"{_argocd_url(context)}/api/v1/", timeout=10, trust_env=False) as api:
            credentials = {"username": "admin", "password": _first_password(context)}
            session = api.post("session", json=credentials)
            if session.status_code == 401:
                raise UserError(
                    "Argo CD's administrator has another password than in secret argocd-initial-admin-secret; "
                    f"write a token of its account {ACCOUNT} to {file}, mode 0600"
                )
            headers = {"authorization": f"Bearer {_expect(session)['token']}"}
            token = _expect(api.post(f"account/{ACCOUNT}/token", json={}, headers=headers))["token"]
    except httpx2.HTTPError as error:
        raise NotReadyError(f"Argo CD: {type(error).__name__}") from None
    write_private(file, token)


def _first_password(context: Context) -> str:
    with reached(context) as api:
        secret = api.get(Secret, "argocd-initial-admin-secret", namespace="argocd")
    return base64.b64decode((secret.data or {})["password"]).decode()


def _expect(answer: httpx2.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise NotReadyError(f"Argo CD answers {answer.status_code} where the page's token is made")
    facts: dict[str, Any] = answer.json()
    return facts
