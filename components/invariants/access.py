"""GitLab: hooks, variables, tokens, runners and people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from components.invariants.violation import Data, invariant
from components.invariants.wording import (
    address_is_encrypted,
    address_without_credentials,
    has_credentials,
    is_secret_name,
)

__all__ = [
    "deploy_key_only_reads",
    "deploy_token_expires",
    "deploy_token_only_reads",
    "hook_address_has_no_credentials",
    "hook_address_is_encrypted",
    "hook_has_a_token",
    "hook_verifies_tls",
    "membership_of_project_is_no_ownership",
    "oauth_application_is_confidential",
    "oauth_application_is_modest",
    "privileged_runner_is_protected",
    "privileged_runner_runs_tagged_jobs",
    "runner_is_of_the_group",
    "runner_limits_jobs",
    "schedule_variable_is_no_secret",
    "secret_variable_has_a_scope",
    "secret_variable_is_masked",
    "secret_variable_is_protected",
    "token_expires",
    "token_is_no_owner",
    "token_is_no_superuser",
    "user_is_no_administrator",
    "value_can_be_masked",
]

_MASKABLE: Final = re.compile(r"\S{8,}")
_SUPERUSER_SCOPES: Final = frozenset({"sudo", "admin_mode"})
_WIDE_SCOPES: Final = frozenset({"api", "write_repository", "write_registry", "k8s_proxy"}) | _SUPERUSER_SCOPES
_PRIVILEGED_TAGS: Final = frozenset({"privileged", "docker-in-docker", "dind", "image-build"})


@invariant("A hook verifies whom it talks to.", "Set enableSslVerification to true, and give GitLab the site's CA.")
def hook_verifies_tls(hook: Data) -> Iterator[str]:
    """A hook's token goes to the server that it is for."""
    if hook.get("enableSslVerification") is False:
        yield "TLS is not verified"


@invariant("A hook carries a token that its receiver checks.", "Set token, as a Pulumi secret.")
def hook_has_a_token(hook: Data) -> Iterator[str]:
    """Without one, everybody who knows the address can send events."""
    if not hook.get("token") and not hook.get("signingToken"):
        yield "it has no token"


@invariant("A hook's events travel encrypted.", "Use an https address.")
def hook_address_is_encrypted(hook: Data) -> Iterator[str]:
    """A token on the wire is anybody's; the machine itself is no wire."""
    address = hook.get("url") or ""
    if not address_is_encrypted(address):
        yield f"{address_without_credentials(address)} is not encrypted"


@invariant("An address carries no password or token.", "Use token or customHeaders, as Pulumi secrets.")
def hook_address_has_no_credentials(hook: Data) -> Iterator[str]:
    """GitLab shows a hook's address to every maintainer and in its logs."""
    if has_credentials(hook.get("url") or ""):
        yield "its address carries credentials"


def value_can_be_masked(value: str) -> bool:
    """Whether GitLab accepts to mask the value in job logs: one line, no blanks, at least 8 characters."""
    return _MASKABLE.fullmatch(value) is not None


@invariant(
    "A secret is masked in job logs.", "Set masked to true; the value needs at least 8 characters and no blanks."
)
def secret_variable_is_masked(variable: Data) -> Iterator[str]:
    """A job that prints its environment prints no secret."""
    if is_secret_name(variable.get("key") or "") and not variable.get("masked"):
        yield "it is not masked"


@invariant("A secret reaches protected branches and tags alone.", "Set protected to true.")
def secret_variable_is_protected(variable: Data) -> Iterator[str]:
    """Whoever may push a branch must not read the secrets of production."""
    if is_secret_name(variable.get("key") or "") and not variable.get("protected"):
        yield "jobs of every branch get it"


@invariant("A secret belongs to one environment.", "Set environmentScope to the environment that needs it.")
def secret_variable_has_a_scope(variable: Data) -> Iterator[str]:
    """A secret of production is no secret of the development testbed."""
    if is_secret_name(variable.get("key") or "") and (variable.get("environmentScope") or "*") == "*":
        yield "jobs of every environment get it"


@invariant("A pipeline schedule holds no secrets.", "Make it a masked, protected variable of the project.")
def schedule_variable_is_no_secret(variable: Data) -> Iterator[str]:
    """GitLab neither masks nor protects the variables of a schedule."""
    if is_secret_name(variable.get("key") or ""):
        yield "its name says that it is a secret"


@invariant("A token ends within a year.", "Set expiresAt to a day within the limit, or a rotationConfiguration.")
def token_expires(token: Data, today: date, days: int) -> Iterator[str]:
    """A token that leaked unnoticed does not work for ever."""
    rotation = token.get("rotationConfiguration")
    if rotation is not None:
        expiration = rotation.get("expirationDays") or 0
        if not 0 < expiration <= days:
            yield f"it is rotated to end after {expiration:.0f} days; the limit is {days}"
        return
    yield from _ends(token, today, days)


@invariant("A deploy token ends within a year.", "Set expiresAt to a day within the limit.")
def deploy_token_expires(token: Data, today: date, days: int) -> Iterator[str]:
    """GitLab lets a deploy token live for ever unless told otherwise."""
    yield from _ends(token, today, days)


def _ends(token: Data, today: date, days: int) -> Iterator[str]:
    end = token.get("expiresAt")
    if not end:
        yield "it does not expire"
        return
    try:
        last = date.fromisoformat(str(end)[:10])
    except ValueError:
        yield "expiresAt is no date"
        return
    if last > today + timedelta(days=days):
        yield f"it expires on {last}; the limit is {days} days from now"


@invariant("A token does not act as an administrator.", "Leave out the scopes sudo and admin_mode.")
def token_is_no_superuser(scope: str) -> Iterator[str]:
    """A pipeline's token must not become somebody else."""
    if scope in _SUPERUSER_SCOPES:
        yield f"it has the scope '{scope}'"


@invariant("A token's role is less than owner.", "Set accessLevel to the least role that does, at most 'maintainer'.")
def token_is_no_owner(token: Data) -> Iterator[str]:
    """A token can delete nothing that holds the platform."""
    if token.get("accessLevel") == "owner":
        yield "its role is owner"


@invariant("A deploy token only reads.", "Use read_ scopes, and a pipeline's token for writing.")
def deploy_token_only_reads(scope: str) -> Iterator[str]:
    """A deploy token sits on machines that only fetch."""
    if not scope.startswith("read_"):
        yield f"it has the scope '{scope}'"


@invariant("A deploy key only reads.", "Set canPush to false.")
def deploy_key_only_reads(key: Data) -> Iterator[str]:
    """A deploy key belongs to no person whose leaving would end it."""
    if key.get("canPush"):
        yield "it may push"


def _is_privileged(runner: Data) -> bool:
    return not _PRIVILEGED_TAGS.isdisjoint(tag.lower() for tag in runner.get("tagLists") or ())


@invariant(
    "A privileged runner takes jobs of protected branches and tags alone.", "Set accessLevel to 'ref_protected'."
)
def privileged_runner_is_protected(runner: Data) -> Iterator[str]:
    """Whoever may push a branch must not become root on the runner's host."""
    if _is_privileged(runner) and runner.get("accessLevel") != "ref_protected":
        yield "it takes jobs of every branch"


@invariant("A privileged runner takes only jobs that ask for it.", "Set untagged to false.")
def privileged_runner_runs_tagged_jobs(runner: Data) -> Iterator[str]:
    """A job gets privileges because it needs them, not by chance."""
    if _is_privileged(runner) and runner.get("untagged"):
        yield "it takes untagged jobs"


@invariant("A runner belongs to the group or a project.", "Set runnerType to 'group_type' or 'project_type'.")
def runner_is_of_the_group(runner: Data) -> Iterator[str]:
    """The site's hardware does not run jobs of strangers on the same GitLab."""
    if runner.get("runnerType") == "instance_type":
        yield "it serves the whole GitLab instance"


@invariant("A runner ends jobs that hang.", "Set maximumTimeout, in seconds.")
def runner_limits_jobs(runner: Data, seconds: int) -> Iterator[str]:
    """A job that waits for ever holds a node that others wait for."""
    limit = runner.get("maximumTimeout") or 0
    if not 0 < limit <= seconds:
        yield f"jobs may take {limit:.0f} s; the limit is {seconds} s" if limit else "jobs may take for ever"


@invariant("Owners are members of the group, not of a project.", "Set accessLevel to 'maintainer' or less.")
def membership_of_project_is_no_ownership(membership: Data) -> Iterator[str]:
    """Who owns what is visible in one place."""
    if membership.get("accessLevel") == "owner":
        yield "it makes an owner"


@invariant(
    "This program makes no administrators.", "Set isAdmin to false; administrators are made by hand, by two people."
)
def user_is_no_administrator(user: Data) -> Iterator[str]:
    """Whoever merges here must not get the whole GitLab."""
    if user.get("isAdmin"):
        yield "it is an administrator"


@invariant("An OAuth application keeps its secret on a server.", "Set confidential to true.")
def oauth_application_is_confidential(application: Data) -> Iterator[str]:
    """A public client's identity can be borrowed by anybody."""
    if application.get("confidential") is False:
        yield "it is a public client"


@invariant("An OAuth application signs people in and reads.", "Use openid, profile, email and read_ scopes.")
def oauth_application_is_modest(scope: str) -> Iterator[str]:
    """A web page that people sign in to must not act for them."""
    if scope in _WIDE_SCOPES:
        yield f"it has the scope '{scope}'"
