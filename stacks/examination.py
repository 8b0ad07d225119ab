"""Whether a stack can be brought up from here: everything that can be known without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import gitlab
import requests

from stacks.check import ROOT, check
from stacks.engine import engine_version, read_configuration
from stacks.fleet import Fleet, load_fleet
from stacks.preflight import connect, inspect_cluster, inspect_forge, reason_of
from stacks.problems import ConfigurationError, Problem
from stacks.settings import Configuration, Settings, settings_of

__all__ = ["Finding", "examine"]

_OLDEST_ENGINE: Final = (3, 231)
"""What the Python SDK of the providers needs."""
_OLDEST_GITLAB: Final = (18, 0)
"""Before it, GitLab lacks attributes that the provider sends."""
_MOST_SKEW: Final = 60  # seconds
_TOKEN_REST: Final = timedelta(days=7)
_OWNER: Final = 50
"""GitLab's number of the role that makes groups, tokens and runners."""
_MAINTAINER: Final = 40
_PACKAGES: Final = ("pulumi", "pulumi-gitlab", "pulumi-kubernetes", "python-gitlab", "lightkube")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    said: str
    """What was found, as people read it."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with it; nothing: all is well."""


def examine(
    stack: str, root: Path = ROOT, *, read: Callable[[str, Path], Configuration] | None = None
) -> list[Finding]:
    """Look at everything that a stack needs.

    Args:
        stack: the stack's name.
        root: the directory with ``Pulumi.yaml``, the stack files and ``stacks/``.
        read: how the stack's configuration is read; by default through the engine.
    """
    findings = [_look("stack files and fleet", lambda: _files(root)), _look("Python packages", _packages)]
    if read is None:
        findings.append(_look("Pulumi engine", lambda: _engine(root)))
    try:
        settings = settings_of((read or read_configuration)(stack, root))
        fleet = load_fleet(root / "stacks")
    except ConfigurationError as error:
        return [*findings, Finding(subject="configuration", said="cannot be used", problems=error.problems)]
    findings.append(Finding(subject="configuration", said=f"stack {stack} is complete"))
    return [
        *findings,
        *_gitlab(settings, fleet),
        _look("Kubernetes cluster", lambda: f"it is {inspect_cluster(settings)}, and has Argo CD's namespace"),
        _look("container registry", lambda: _registry(settings)),
    ]


def _gitlab(settings: Settings, fleet: Fleet) -> Iterator[Finding]:
    try:
        response = _ask_version(settings)
    except ConfigurationError as error:
        # What follows would only fail for the same reason.
        yield _failed("GitLab", error)
        return
    yield Finding(subject="GitLab", said=f"{settings.gitlab.url} answers")
    yield _look("GitLab's version", lambda: _release(settings, response))
    yield _look("clock", lambda: _clock(response))
    token = _look("GitLab token", lambda: _token(settings))
    yield token
    if not token.problems:
        yield _look("GitLab group", lambda: _group(settings, fleet))


def _look(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject=subject, said=look())
    except ConfigurationError as error:
        return _failed(subject, error)


def _failed(subject: str, error: ConfigurationError) -> Finding:
    return Finding(subject=subject, said="; ".join(each.value for each in error.problems), problems=error.problems)


def _files(root: Path) -> str:
    check(root)
    return "no problems"


def _packages() -> str:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            raise ConfigurationError.of(
                "Python packages",
                f"{package} is not installed",
                "the packages of requirements.txt are installed",
                "pip install --require-hashes -r requirements.txt",
            ) from None
    return ", ".join(f"{package} {number}" for package, number in found.items())


def _engine(root: Path) -> str:
    found = engine_version(root)
    _at_least("the Pulumi engine", found, _OLDEST_ENGINE, "install a newer Pulumi")
    return ".".join(map(str, found))


def _ask_version(settings: Settings) -> requests.Response:
    try:
        return requests.get(
            f"{settings.gitlab.url}/api/v4/version",
            headers={"PRIVATE-TOKEN": settings.gitlab.token.get_secret_value()},
            timeout=settings.stack.gitlab.timeout_seconds,
            verify=settings.gitlab.ca_file or True,
        )
    except requests.RequestException as error:
        raise ConfigurationError.of(
            f"GitLab at {settings.gitlab.url}",
            reason_of(error),
            f"GitLab answers within {settings.stack.gitlab.timeout_seconds} s",
            "start GitLab (bighpc testbed up), or correct gitlab:baseUrl or GITLAB_BASE_URL",
        ) from None


def _release(settings: Settings, response: requests.Response) -> str:
    if response.status_code in {401, 403}:
        return "it is told to no one with this token"
    where = f"GitLab at {settings.gitlab.url}"
    try:
        text = str(response.json()["version"])
        found = tuple(int(part) for part in text.partition("-")[0].split("."))
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError.of(
            where,
            f"it answered {response.status_code} without a version",
            "the address is that of a GitLab instance",
            "correct gitlab:baseUrl or GITLAB_BASE_URL; behind a path, name the path too",
        ) from None
    _at_least(where, found, _OLDEST_GITLAB, "upgrade GitLab")
    return text


def _clock(response: requests.Response) -> str:
    if "Date" not in response.headers:
        return "GitLab does not tell its time: not looked at"
    skew = abs(datetime.now(tz=UTC) - parsedate_to_datetime(response.headers["Date"])).total_seconds()
    if skew > _MOST_SKEW:
        raise ConfigurationError.of(
            "the clock",
            f"it is {skew:.0f} s away from GitLab's",
            f"clocks differ by {_MOST_SKEW} s at most; further off, tokens and certificates are not valid yet",
            "set the clock: timedatectl set-ntp true",
        )
    return f"{skew:.0f} s away from GitLab's"


def _token(settings: Settings) -> str:
    where = f"GitLab at {settings.gitlab.url}, token"
    remedy = "make a new one with the scope api, and set gitlab:token (with --secret) or GITLAB_TOKEN to it"
    try:
        token = connect(settings).personal_access_tokens.get("self").attributes
    except (gitlab.GitlabError, requests.RequestException) as error:
        raise ConfigurationError.of(where, reason_of(error), "the token is valid", remedy) from None
    end = date.fromisoformat(token["expires_at"]) if token.get("expires_at") else None
    if "api" not in token["scopes"]:
        raise ConfigurationError.of(
            where, f"its scopes are {', '.join(token['scopes'])}", "the token has the scope api", remedy
        )
    if end and end - datetime.now(tz=UTC).date() < _TOKEN_REST:
        raise ConfigurationError.of(
            where, f"it ends on {end}", f"the token is valid for {_TOKEN_REST.days} days or more", remedy
        )
    return f"scope api, valid {f'until {end}' if end else 'without end'}"


def _group(settings: Settings, fleet: Fleet) -> str:
    path, owner = settings.stack.gitlab.group, settings.stack.forge.owner
    forge = inspect_forge(settings, fleet)
    client = connect(settings)
    user = client.http_get("/user")
    assert isinstance(user, dict)  # noqa: S101 - an object by GitLab's documentation
    if forge.group_id is None:
        if not user.get("can_create_group"):
            raise ConfigurationError.of(
                f"the group {path}",
                f"it is not there, and {user['username']} may not make groups",
                "the stack that owns the forge makes its group, or takes one over",
                "make the group by hand with the token's user as owner, and set adopt: true in stacks/group.yaml",
            )
        return f"{path} will be made by {user['username']}"
    least, name = (_OWNER, "owner") if owner else (_MAINTAINER, "maintainer")
    if not user.get("is_admin") and _level(client, forge.group_id, int(user["id"])) < least:
        raise ConfigurationError.of(
            f"the group {path}",
            f"{user['username']} is no {name} of it",
            f"this stack makes what takes the role {name}",
            f"give {user['username']} the role {name} in {path}, or use another user's token",
        )
    return f"{path} is there, and {user['username']} has the role it takes"


def _level(client: gitlab.Gitlab, group: str, user: int) -> int:
    try:
        member = client.groups.get(group, lazy=True).members_all.get(user)
    except gitlab.GitlabGetError as error:
        if error.response_code != 404:
            raise
        return 0
    return int(member.access_level)


def _registry(settings: Settings) -> str:
    url = settings.stack.registry.url
    if url is None:
        return "none is named in bighpc:registry.url: not looked at"
    try:
        response = requests.get(f"{url.rstrip('/')}/v2/", timeout=settings.stack.gitlab.timeout_seconds)
    except requests.RequestException as error:
        raise _no_registry(url, reason_of(error)) from None
    if response.status_code not in {200, 401}:
        raise _no_registry(url, f"it answered {response.status_code}")
    return f"{url} answers"


def _no_registry(url: str, reason: str) -> ConfigurationError:
    rule = "a container registry answers at /v2/, with or without asking who it is"
    return ConfigurationError.of(
        f"the container registry at {url}", reason, rule, "start it, or correct bighpc:registry.url"
    )


def _at_least(where: str, found: tuple[int, ...], least: tuple[int, ...], remedy: str) -> None:
    if found < least:
        wanted = ".".join(map(str, least))
        raise ConfigurationError.of(
            where, f"its version is {'.'.join(map(str, found))}", f"version {wanted} or newer", remedy
        )
