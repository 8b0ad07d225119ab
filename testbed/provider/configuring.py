"""The provider's own settings."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.provider.api import Configuration
from testbed.provider.values import Properties, has_unknown, plain

__all__ = ["SECRET_VARIABLES", "VARIABLES", "check_variables"]

SECRET_VARIABLES = ("token",)

VARIABLES = {
    "token": "An OAuth, personal, project or group access token; GITLAB_TOKEN.",
    "baseUrl": "Where GitLab's API is, such as https://host/api/v4/; GITLAB_BASE_URL.",
    "cacertFile": "A file with the certificate authority of GitLab's certificate.",
    "insecure": "Do not check GitLab's certificate.",
    "retries": "How often a call that failed transiently is repeated.",
}
"""The settings that this double honours, of those that the published provider has."""

_ENGINE = frozenset({"version", "pluginDownloadURL", "__internal", "__pulumi-go-provider-version"})


def check_variables(given: Properties) -> Iterator[tuple[str, str]]:
    """Setting and reason for everything that cannot be honoured."""
    for name in given.keys() - VARIABLES.keys() - _ENGINE:
        yield name, f"the embedded testbed's GitLab provider has no such setting; it has {', '.join(sorted(VARIABLES))}"
    known = {name: value for name, value in plain(given).items() if value is not None and not has_unknown(value)}
    try:
        Configuration.from_variables(known)
    except ValueError as error:
        yield "", str(error)
