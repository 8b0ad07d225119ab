"""Argo CD and the operator: what is delivered, from where, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.invariants.violation import Data, invariant
from components.invariants.wording import (
    address_is_encrypted,
    address_without_credentials,
    has_credentials,
    is_secret_name,
)

__all__ = [
    "INSECURE_SETTINGS",
    "SYSTEM_NAMESPACES",
    "app_project_cannot_change_limits",
    "app_project_is_exact",
    "app_project_leaves_the_cluster_alone",
    "app_project_roles_are_exact",
    "application_heals_itself",
    "application_is_never_emptied",
    "application_retries_end",
    "application_spares_system_namespaces",
    "application_tracks_its_environment",
    "application_uses_a_project",
    "applications_share_a_fixed_project",
    "argocd_default_role_is_harmless",
    "argocd_settings_are_closed",
    "is_exact_version",
    "repository_is_encrypted",
    "repository_is_verified",
    "source_has_no_credentials",
    "source_is_encrypted",
    "stack_commit_is_released",
    "stack_holds_no_secret",
    "stack_keeps_what_it_made",
    "stack_source_has_no_credentials",
    "stack_tracks_its_environment",
    "stack_waits_for_its_turn",
]

INSECURE_SETTINGS: Final = ("insecure", "insecureIgnoreHostKey", "insecureOCIForceHttp")
"""What of a repository secret turns verification off."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_VERSION: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
SYSTEM_NAMESPACES: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease", "argocd"})
"""Where no application goes."""

_LIMITS: Final = ("ResourceQuota", "LimitRange", "NetworkPolicy")
_CLOSED: Final = {"users.anonymous.enabled": "false", "exec.enabled": "false", "admin.enabled": "false"}
"""Argo CD's settings, and the value that closes each."""


def is_exact_version(value: str) -> bool:
    """Whether the value is one version of a chart: three numbers, then possibly a suffix; not a range."""
    return _VERSION.fullmatch(value) is not None


@invariant("A project names its repositories and destinations one by one.", "Replace the wildcard by the exact values.")
def app_project_is_exact(sources: Sequence[str], destinations: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """An Argo CD project names its repositories and destinations one by one."""
    yield from (f"it allows source repository {source!r}" for source in sources if "*" in source)
    for destination in destinations:
        yield from (
            f"it allows destination {field} {value!r}" for field, value in sorted(destination.items()) if "*" in value
        )


@invariant("A project's applications change nothing outside of namespaces.", "Leave clusterResourceWhitelist empty.")
def app_project_leaves_the_cluster_alone(resource: Data) -> Iterator[str]:
    """A research team's commit makes no ClusterRole."""
    yield f"its applications may make {resource.get('kind')} of '{resource.get('group')}'"


@invariant(
    "The limits that an application lives in are not the application's to change.",
    f"Add {', '.join(_LIMITS)} to namespaceResourceBlacklist.",
)
def app_project_cannot_change_limits(spec: Data) -> Iterator[str]:
    """An application's commit does not raise its quota."""
    refused = {each.get("kind") for each in spec.get("namespaceResourceBlacklist") or ()}
    if "*" not in refused:
        yield from (f"its applications may change {each}" for each in _LIMITS if each not in refused)


@invariant("A project's role names what it may do.", "Replace the wildcard by the action or the application.")
def app_project_roles_are_exact(role: Data) -> Iterator[str]:
    """A pipeline's token for Argo CD does one thing."""
    for policy in role.get("policies") or ():
        fields = [field.strip() for field in policy.split(",")]
        if len(fields) > 3 and fields[3] == "*":
            yield f"role {role.get('name')} may do everything with {fields[2]}"


@invariant("An application belongs to a project that limits it.", "Set project to the environment's, not to default.")
def application_uses_a_project(spec: Data) -> Iterator[str]:
    """The default project allows everything."""
    project = spec.get("project") or "default"
    if project == "default":
        yield "its project is 'default'"


@invariant("The project of generated applications is fixed.", "Write the project's name into the template.")
def applications_share_a_fixed_project(spec: Data) -> Iterator[str]:
    """Whoever fills the generator does not choose the limits."""
    project = ((spec.get("template") or {}).get("spec") or {}).get("project") or "default"
    if "{{" in project or project == "default":
        yield f"its template's project is '{project}'"


@invariant("An application returns to what git says.", "Set syncPolicy.automated.selfHeal to true.")
def application_heals_itself(spec: Data) -> Iterator[str]:
    """A change by hand does not last."""
    automated = (spec.get("syncPolicy") or {}).get("automated")
    if not automated or not automated.get("selfHeal"):
        yield "it does not heal itself" if automated else "it does not sync by itself"


@invariant("An empty directory in git deletes nothing.", "Leave out syncPolicy.automated.allowEmpty.")
def application_is_never_emptied(spec: Data) -> Iterator[str]:
    """A renamed directory is no order to delete the application."""
    if ((spec.get("syncPolicy") or {}).get("automated") or {}).get("allowEmpty"):
        yield "it may be emptied"


@invariant("A failed sync is tried again a few times.", "Set syncPolicy.retry.limit to a number that ends.")
def application_retries_end(spec: Data) -> Iterator[str]:
    """What cannot work is reported, not repeated."""
    limit = ((spec.get("syncPolicy") or {}).get("retry") or {}).get("limit")
    if limit is not None and limit < 0:
        yield "it is tried for ever"


@invariant(
    "An application deploys to a namespace of its own environment.", "Set destination.namespace to the testbed's."
)
def application_spares_system_namespaces(spec: Data) -> Iterator[str]:
    """No application runs beside the cluster's own services or Argo CD."""
    namespace = (spec.get("destination") or {}).get("namespace")
    if not namespace or namespace in SYSTEM_NAMESPACES:
        yield f"its destination is '{namespace}'" if namespace else "it names no destination namespace"


@invariant(
    "An application tracks its environment's branch, a version or a commit.", "Set targetRevision to one of them."
)
def application_tracks_its_environment(source: Data, environment: str) -> Iterator[str]:
    """What reaches production was merged into production."""
    revision = source.get("targetRevision") or "HEAD"
    fixed = _COMMIT.fullmatch(revision) or _DIGEST.fullmatch(revision) or is_exact_version(revision)
    # A chart has versions and no branches.
    if not fixed and (revision != environment or source.get("chart")):
        yield f"it tracks '{revision}'"


@invariant("Sources travel encrypted.", "Use an https or ssh address.")
def source_is_encrypted(source: Data) -> Iterator[str]:
    """Nobody on the way changes what is deployed."""
    address = source.get("repoURL") or ""
    if not address_is_encrypted(address):
        yield f"{address_without_credentials(address)} is not encrypted"


@invariant("An address carries no password or token.", "Give Argo CD the credential in a repository secret.")
def source_has_no_credentials(source: Data) -> Iterator[str]:
    """Argo CD shows the address to everybody who may see the application."""
    if has_credentials(source.get("repoURL") or ""):
        yield "repoURL carries credentials"


@invariant("Argo CD verifies whom it fetches from.", "Leave out insecure, and give Argo CD the site's CA.")
def repository_is_verified(data: Data) -> Iterator[str]:
    """A password goes to the server that it is for."""
    for setting in INSECURE_SETTINGS:
        if str(data.get(setting) or "").lower() == "true":
            yield f"{setting} is on"


@invariant("A repository's password travels encrypted.", "Use an https or ssh address.")
def repository_is_encrypted(data: Data) -> Iterator[str]:
    """Nobody on the way reads a password."""
    address = data.get("url") or ""
    if data.get("password") and not address_is_encrypted(address):
        yield f"{address_without_credentials(address)} is not encrypted"


@invariant("Argo CD lets in whom the site knows, and nobody into pods.", "Set the key to 'false'.")
def argocd_settings_are_closed(settings: Mapping[str, str]) -> Iterator[str]:
    """Neither visitors nor the built-in administrator nor a terminal in the browser."""
    for key, closed in _CLOSED.items():
        value = settings.get(key)
        if value is not None and str(value).lower() != closed:
            yield f"{key} is {value}"


@invariant("Who has no role in Argo CD may do nothing.", "Set policy.default to '' or role:readonly.")
def argocd_default_role_is_harmless(settings: Mapping[str, str]) -> Iterator[str]:
    """Signing in grants nothing by itself."""
    role = settings.get("policy.default")
    if role not in {None, "", "role:readonly"}:
        yield f"policy.default is {role}"


@invariant(
    "Deleting the Stack object deletes no stack.", "Leave out destroyOnFinalize, and destroy with pulumi destroy."
)
def stack_keeps_what_it_made(spec: Data) -> Iterator[str]:
    """A slip with kubectl does not take the platform down."""
    if spec.get("destroyOnFinalize"):
        yield "it destroys the stack with its object"


@invariant("A commit is set by the release job alone.", "Leave out commit; the pipeline sets it after the gate.")
def stack_commit_is_released(spec: Data) -> Iterator[str]:
    """The program must not choose the commit that it is run at."""
    if spec.get("commit"):
        yield "it sets its own commit"


@invariant("A Stack object tracks the branch of its environment.", "Set branch to the environment's, or leave it out.")
def stack_tracks_its_environment(spec: Data, environment: str) -> Iterator[str]:
    """What reaches production was merged into production."""
    branch = (spec.get("branch") or environment).removeprefix("refs/heads/")
    if branch != environment:
        yield f"it tracks '{branch}'"


@invariant("A Stack object refers to its secrets.", "Use a reference of type Secret.")
def stack_holds_no_secret(setting: Data) -> Iterator[str]:
    """Whoever may read Stack objects is not meant to read secrets."""
    for name, value in setting.items():
        if is_secret_name(name) and _is_literal(value):
            yield f"{name} is written in the object"


def _is_literal(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, Mapping) and value.get("type") == "Literal")


@invariant("An address carries no password or token.", "Use gitAuth with a reference of type Secret.")
def stack_source_has_no_credentials(spec: Data) -> Iterator[str]:
    """The operator writes the address into its logs and into the status."""
    if has_credentials(spec.get("projectRepo") or ""):
        yield "projectRepo carries credentials"


@invariant("Two updates of a stack do not overtake each other.", "Leave out retryOnUpdateConflict.")
def stack_waits_for_its_turn(spec: Data) -> Iterator[str]:
    """Whoever runs an update by hand is not run over."""
    if spec.get("retryOnUpdateConflict"):
        yield "it retries during somebody else's update"
