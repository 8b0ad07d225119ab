"""What an environment's JupyterHub needs of a testbed: images, an application of GitLab, and the stack's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from testbed.cluster.objects import STORAGE_CLASS
from testbed.commands import run
from testbed.context import GITLAB_HOST, Context
from testbed.delivery.user_interfaces import hub_host
from testbed.errors import UserError
from testbed.images import IMAGES, publish
from testbed.progress import Progress
from testbed.stacks import CHECKOUT

__all__ = ["Client", "configure", "ensure_client", "hub_url", "settings"]

_KEY = "bighpc:jupyterhub"


@dataclass(frozen=True, kw_only=True)
class Client:
    """The hub as an application of GitLab."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Client({self.client_id})"


def hub_url(context: Context, environment: str) -> str:
    """Where browsers on this machine find an environment's hub."""
    return f"http://{hub_host(environment)}:{context.ports['gateway']}"


def ensure_client(context: Context, environment: str) -> Client:
    """Make the hub an application of GitLab; one that is there gets a new secret, as GitLab shows each only once.

    Raises:
        UserError: when GitLab does not answer as it should.
    """
    name, redirect = f"JupyterHub ({environment})", f"{hub_url(context, environment)}/hub/oauth_callback"
    address = f"http://127.0.0.1:{context.ports['gitlab']}/api/v4/"
    headers = {"PRIVATE-TOKEN": context.secret("gitlab-root-token")}
    wanted = {"name": name, "redirect_uri": redirect, "scopes": "read_api", "confidential": True}
    try:
        with httpx2.Client(base_url=address, headers=headers, timeout=10, trust_env=False) as api:
            known = [each for each in _expect(api.get("applications")) if each["application_name"] == name]
            for each in known:
                if each["callback_url"] == redirect:
                    return _client(_expect(api.post(f"applications/{each['id']}/renew-secret")))
                # The testbed was brought up on another port.
                api.delete(f"applications/{each['id']}").raise_for_status()
            return _client(_expect(api.post("applications", json=wanted)))
    except httpx2.HTTPError as error:
        raise UserError(f"GitLab does not let the hub be its application: {error or type(error).__name__}") from None


def settings(context: Context, environment: str, client: Client, images: Mapping[str, str]) -> dict[str, Any]:
    """Return what the stack's file says of the hub, without its secret.

    Args:
        context: a testbed that is up.
        environment: whose hub it is.
        client: the application of GitLab.
        images: the names of ``jupyterhub`` and ``jupyterlab`` in the registry.
    """
    gitlab, api = context.ports["gitlab"], context.ports["kube-apiserver"]
    lab = images["jupyterlab"]
    return {
        "url": hub_url(context, environment),
        "image": images["jupyterhub"],
        "oauth": {
            "clientId": client.client_id,
            "gitlabUrl": f"http://{GITLAB_HOST}:{gitlab}",
            "groups": ["bighpc"],
            "admins": ["root"],
        },
        "profiles": {
            "small": {"title": "Small", "description": "A core and 1 GiB", "image": lab, "cores": "1", "memory": "1Gi"},
            "large": {"title": "Large", "description": "Two cores, 4 GiB", "image": lab, "cores": "2", "memory": "4Gi"},
        },
        "default": "small",
        "homes": {"size": "2Gi", "storageClass": STORAGE_CLASS},
        # Behind their Services: what network policies see.
        "ports": [gitlab, api],
    }


def configure(
    context: Context, stack: str, environment: Mapping[str, str], progress: Progress, file: Path | None = None
) -> None:
    """Make images and application, and write the hub into the stack's file.

    Args:
        context: a testbed that is up, with a real node.
        stack: the environment.
        environment: what ``bighpc testbed env`` exports.
        progress: gets the steps.
        file: the stack's file, when it is not the checkout's.

    Raises:
        UserError: naming what failed and why.
    """
    if not context.real_node:
        raise UserError("a hub runs in pods, and this testbed has no real node; bring it up as root with --real-node")
    with progress.live():
        images = {}
        for name in ("jupyterhub", "jupyterlab"):
            with progress.step(f"image {IMAGES[name]} (two minutes the first time)"):
                images[name] = publish(context, IMAGES[name], progress.say)
        with progress.step(f"application JupyterHub ({stack}) of GitLab"):
            client = ensure_client(context, stack)
        with progress.step(f"settings in Pulumi.{stack}.yaml"):
            _write(settings(context, stack, client, images), client, stack, environment, file)


def _write(
    hub: Mapping[str, Any], client: Client, stack: str, environment: Mapping[str, str], file: Path | None
) -> None:
    options = (f"--stack={stack}", "--non-interactive", *((f"--config-file={file}",) if file else ()))
    plain = [f"--plaintext={_KEY}{path}={value}" for path, value in _leaves(hub)]
    run("pulumi", "config", "set-all", *options, "--path", *plain, directory=CHECKOUT, environment=environment)
    secret = ("pulumi", "config", "set", *options, "--path", "--secret", f"{_KEY}.oauth.clientSecret")
    # Over its standard input: a command line is everybody's to read.
    run(*secret, directory=CHECKOUT, environment=environment, given=client.client_secret)


def _leaves(content: Any, path: str = "") -> list[tuple[str, str]]:
    """Return what is in nested mappings and lists by its path, as `pulumi config` writes it."""
    if isinstance(content, Mapping):
        return [leaf for key, value in content.items() for leaf in _leaves(value, f"{path}.{key}")]
    if isinstance(content, list):
        return [leaf for number, value in enumerate(content) for leaf in _leaves(value, f"{path}[{number}]")]
    return [(path, str(content))]


def _client(made: Mapping[str, Any]) -> Client:
    return Client(client_id=made["application_id"], client_secret=made["secret"])


def _expect(answer: httpx2.Response) -> Any:
    if answer.status_code not in (200, 201):
        raise UserError(f"GitLab answers {answer.status_code} where the hub becomes its application")
    return answer.json()
