"""A first look at GitLab and the cluster, before any resource exists.

It costs a few requests and turns an error half-way through an update into a sentence before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urlsplit

import gitlab
import httpx2
import lightkube
import pulumi
import requests
import yaml
from gitlab.v4.objects import Group, Project
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.resources.core_v1 import Namespace

from stacks.definitions import check_kueue
from stacks.environments import Environment
from stacks.fleet_model import ENVIRONMENT_REPOSITORY, PLATFORM_REPOSITORY, Fleet
from stacks.identity import forge_identity
from stacks.kubeconfig import cluster_config
from stacks.manifests import check_manifests
from stacks.people import People, find_people
from stacks.problems import ConfigurationError
from stacks.settings import GitLabConnection, Settings

__all__ = [
    "Findings",
    "Forge",
    "connect",
    "group_identity",
    "inspect_cluster",
    "inspect_forge",
    "preflight",
    "reason_of",
]

Found = TypeVar("Found")

_WRITING: Final = ("api",)
_READING: Final = (*_WRITING, "read_api")  # a preview changes nothing


@dataclass(frozen=True, kw_only=True)
class Forge:
    """The forge as GitLab shows it; what does not exist yet is None."""

    identity: str
    group_id: str | None = None
    repository_id: str | None = None
    """The environment repository's project, by number."""
    repository_url: str | None = None
    """Where git finds it over HTTP."""
    web_url: str | None = None
    """The group's page."""
    agents_id: str | None = None
    """The project that the agents are registered in, by number."""
    platform_id: str | None = None
    """The project that holds this program, by number."""
    platform_url: str | None = None
    """Where git finds it over HTTP."""
    people: People = field(default_factory=People)
    """Whom the fleet names; known to the stack that owns the forge."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the first look found."""

    cluster: str
    """Who the cluster is."""
    forge: Forge


def preflight(settings: Settings, fleet: Fleet) -> Findings:
    """Look at both systems at the same time.

    Raises:
        ConfigurationError: with everything that keeps the stack from being brought up.
    """
    scopes = _READING if pulumi.runtime.is_dry_run() else _WRITING
    with ThreadPoolExecutor(max_workers=2) as pool:
        looks = (pool.submit(inspect_forge, settings, fleet, scopes), pool.submit(inspect_cluster, settings))
    forge, cluster = looks
    errors = [look.exception() for look in looks]
    problems = [problem for error in errors if isinstance(error, ConfigurationError) for problem in error.problems]
    if problems:
        raise ConfigurationError(problems)
    return Findings(cluster=cluster.result(), forge=forge.result())


def group_identity(settings: Settings, group_id: str) -> str:
    """Return the identity of the instance once the group is there."""
    group = connect(settings).groups.get(int(group_id), with_projects=False)
    return _identity(settings, group)


def inspect_forge(settings: Settings, fleet: Fleet, scopes: Sequence[str] = _WRITING) -> Forge:
    """Check that GitLab answers, that the token is good, and that the forge is there unless this stack makes it.

    Args:
        settings: the stack's.
        fleet: what it makes or uses.
        scopes: the token needs one of them.

    Raises:
        ConfigurationError: with the first reason why not; the later ones follow from it.
    """
    client = connect(settings)
    where = f"GitLab at {settings.gitlab.url}"
    try:
        token = client.personal_access_tokens.get("self")
        _check_scopes(where, token.attributes.get("scopes", ()), scopes)
        group = _found(lambda: client.groups.get(settings.stack.gitlab.group, with_projects=False))
        projects = {path: _project(client, settings, path) for path in _needed(fleet)}
        people = find_people(client, fleet, where) if settings.stack.forge.owner else People()
        check_manifests(projects[ENVIRONMENT_REPOSITORY], settings, fleet)
    except gitlab.GitlabAuthenticationError as error:
        raise _refused_token(where, error) from None
    except (gitlab.GitlabError, requests.RequestException, ValueError) as error:
        raise _unreachable_gitlab(where, error) from None
    if not settings.stack.forge.owner:
        _check_forge_is_there(where, settings, group, projects)
    repository = projects[ENVIRONMENT_REPOSITORY]
    agents = projects[fleet.agents.project] if fleet.agents else None
    platform = projects.get(PLATFORM_REPOSITORY)
    return Forge(
        identity=_identity(settings, group),
        group_id=str(group.id) if group else None,
        repository_id=str(repository.id) if repository else None,
        repository_url=repository.http_url_to_repo if repository else None,
        web_url=group.web_url if group else None,
        agents_id=str(agents.id) if agents else None,
        platform_id=str(platform.id) if platform else None,
        platform_url=platform.http_url_to_repo if platform else None,
        people=people,
    )


def _needed(fleet: Fleet) -> list[str]:
    """The projects whose numbers and addresses a stack has to know."""
    agents = [fleet.agents.project] if fleet.agents else []
    return [ENVIRONMENT_REPOSITORY, *agents, *([PLATFORM_REPOSITORY] if PLATFORM_REPOSITORY in fleet.projects else [])]


def inspect_cluster(settings: Settings) -> str:
    """Check that the cluster answers and lets us in; return who it is.

    Raises:
        ConfigurationError: with the reason why not.
    """
    timeout = settings.stack.kubernetes.timeout_seconds
    try:
        config = cluster_config(settings.cluster)
    except (ConfigError, OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigurationError.of(
            "kubernetes:kubeconfig, kubernetes:context or KUBECONFIG",
            _shortened(str(error)),
            "a kubeconfig that is there, with the context that is asked for",
            "export KUBECONFIG=<file>, or: pulumi config set kubernetes:context <one of: kubectl config get-contexts>",
        ) from None
    where = f"the Kubernetes API at {config.cluster.server}"
    try:
        with lightkube.Client(config=config, timeout=httpx2.Timeout(timeout)) as client:
            metadata = client.get(Namespace, "kube-system").metadata
            _check_argocd_is_there(where, client, settings.stack.argocd.namespace)
            check_kueue(where, client, settings)
    except ApiError as error:
        raise ConfigurationError.of(
            where,
            f"it answered {error.status.code}: {error.status.message}",
            "the user of the kubeconfig may read namespaces",
            "use a kubeconfig whose credentials are valid and whose user may deploy",
        ) from None
    except (httpx2.HTTPError, OSError, ValueError, KeyError, ConfigError) as error:
        raise ConfigurationError.of(
            where,
            reason_of(error),
            f"a Kubernetes API server answers within {timeout} s",
            "start the cluster (bighpc testbed up), or correct KUBECONFIG and kubernetes:context",
        ) from None
    return str(metadata.uid if metadata else None)


def connect(settings: Settings) -> gitlab.Gitlab:
    """Return a client of the GitLab instance; nothing is asked yet."""
    connection: GitLabConnection = settings.gitlab
    return gitlab.Gitlab(
        connection.url,
        private_token=connection.token.get_secret_value(),
        ssl_verify=connection.ca_file or True,
        timeout=settings.stack.gitlab.timeout_seconds,
    )


def _project(client: gitlab.Gitlab, settings: Settings, path: str) -> Project | None:
    return _found(lambda: client.projects.get(f"{settings.stack.gitlab.group}/{path}"))


def _identity(settings: Settings, group: Group | None) -> str:
    created = (int(group.id), str(group.created_at)) if group else None
    return forge_identity(urlsplit(settings.gitlab.url).hostname or "", settings.stack.gitlab.group, created)


def _found(get: Callable[[], Found]) -> Found | None:
    try:
        return get()
    except gitlab.GitlabGetError as error:
        if error.response_code == 404:
            return None
        raise


def _check_scopes(where: str, scopes: Sequence[str], enough: Sequence[str]) -> None:
    if not set(scopes) & set(enough):
        raise ConfigurationError.of(
            f"{where}, token",
            f"its scopes are {', '.join(scopes) or 'none'}",
            f"the token has the scope {' or '.join(enough)}",
            f"make a token with the scope {enough[0]}, and set gitlab:token or GITLAB_TOKEN to it",
        )


def _check_forge_is_there(
    where: str, settings: Settings, group: Group | None, projects: Mapping[str, Project | None]
) -> None:
    path = settings.stack.gitlab.group
    objects = {path: group, **{f"{path}/{below}": project for below, project in projects.items()}}
    missing = [each for each, found in objects.items() if found is None]
    if missing:
        owner = Environment.PROD.stack
        raise ConfigurationError.of(
            where,
            f"{', '.join(missing)} is not there, or the token's user may not see it",
            f"the stack {settings.environment.stack} uses the forge that the stack {owner} owns",
            f"bring it up first: pulumi up --stack {owner}",
        )


def _check_argocd_is_there(where: str, client: lightkube.Client, namespace: str) -> None:
    try:
        client.get(Namespace, namespace)
    except ApiError as error:
        if error.status.code != 404:
            raise
        raise ConfigurationError.of(
            where,
            f"it has no namespace {namespace}",
            "with bighpc:argocd.install: external, Argo CD is there before the stack is",
            "install Argo CD, or name its namespace: pulumi config set --path bighpc:argocd.namespace <namespace>",
        ) from None


def _refused_token(where: str, error: gitlab.GitlabError) -> ConfigurationError:
    return ConfigurationError.of(
        f"{where}, token",
        f"it answered {error.response_code}: {error.error_message}",
        "the token is valid: neither mistyped, nor expired, nor revoked, nor of another instance",
        "make a new token, and set gitlab:token (with --secret) or GITLAB_TOKEN to it",
    )


def _unreachable_gitlab(where: str, error: Exception) -> ConfigurationError:
    return ConfigurationError.of(
        where,
        reason_of(error),
        "GitLab's API answers there",
        "start GitLab (bighpc testbed up), or correct gitlab:baseUrl or GITLAB_BASE_URL",
    )


def reason_of(error: BaseException) -> str:
    """Return what a chain of errors began with: "Connection refused", not what each layer made of it."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return _shortened(str(error) or type(error).__name__)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:200]}…"
