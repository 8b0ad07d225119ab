"""Kubernetes: who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.invariants.violation import Data, invariant

__all__ = [
    "account_mounts_no_token",
    "binding_grants_no_cluster_admin",
    "binding_names_its_subjects",
    "binding_spares_the_default_account",
    "role_enters_no_pods",
    "role_has_no_wildcards",
    "role_raises_no_rights",
    "role_reads_no_secrets",
    "role_reads_secrets_by_name",
]

_ESCALATING: Final = frozenset({"escalate", "bind", "impersonate"})
_READING: Final = frozenset({"get", "list", "watch", "*"})
_DOORS: Final = frozenset({"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "nodes/proxy"})
_CROWDS: Final = frozenset(
    {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:masters", "system:serviceaccounts"}
)


@invariant("A role names its groups, resources and verbs one by one.", "Replace the wildcard by the exact values.")
def role_has_no_wildcards(rule: Data) -> Iterator[str]:
    """A role grants no right that did not exist when it was written."""
    for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        if any("*" in each for each in rule.get(field) or ()):
            yield f"{field} has a wildcard"


@invariant("A role raises nobody's rights.", "Leave out the verbs escalate, bind and impersonate.")
def role_raises_no_rights(rule: Data) -> Iterator[str]:
    """Whoever holds the role cannot give themselves another."""
    yield from (f"it has the verb '{verb}'" for verb in rule.get("verbs") or () if verb in _ESCALATING)


@invariant("No role reads the secrets of the whole cluster.", "Use a Role in the namespace, with resourceNames.")
def role_reads_no_secrets(rule: Data) -> Iterator[str]:
    """A credential that leaked opens one namespace."""
    verbs = [verb for verb in rule.get("verbs") or () if verb in _READING]
    if verbs and any(each in {"secrets", "*"} for each in rule.get("resources") or ()):
        yield "it reads the secrets of every namespace"


@invariant("A role reads the secrets that it names.", "Add resourceNames, or leave secrets out.")
def role_reads_secrets_by_name(rule: Data) -> Iterator[str]:
    """Whoever holds the role reads what it needs, and not what comes to be beside it."""
    reads = any(verb in _READING for verb in rule.get("verbs") or ())
    if reads and "secrets" in (rule.get("resources") or ()) and not rule.get("resourceNames"):
        yield "it reads every secret of its namespace"


@invariant("No role enters pods.", "Leave out exec, attach, portforward, ephemeralcontainers and nodes/proxy.")
def role_enters_no_pods(rule: Data) -> Iterator[str]:
    """Nobody edits what runs; a change is a commit."""
    yield from (f"it grants {each}" for each in rule.get("resources") or () if each in _DOORS)


@invariant("Nobody is bound to cluster-admin.", "Bind a role with the rights that are needed.")
def binding_grants_no_cluster_admin(binding: Data) -> Iterator[str]:
    """The platform works with the least rights that do."""
    if (binding.get("roleRef") or {}).get("name") == "cluster-admin":
        yield "it grants cluster-admin"


@invariant(
    "A binding names accounts, users or groups of the site.", "Replace the built-in group by the account that needs it."
)
def binding_names_its_subjects(subject: Data) -> Iterator[str]:
    """Rights do not go to whoever happens to be there."""
    name = subject.get("name") or ""
    if name in _CROWDS or name.startswith("system:serviceaccounts:"):
        yield f"it grants rights to {name}"


@invariant("The default service account has no rights.", "Make an account for the workload and bind that.")
def binding_spares_the_default_account(subject: Data) -> Iterator[str]:
    """Every pod that names no account has this one."""
    if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
        yield "it grants rights to the default account"


@invariant(
    "A service account mounts its token nowhere by itself.",
    "Set automountServiceAccountToken to false; pods ask for it.",
)
def account_mounts_no_token(account: Data) -> Iterator[str]:
    """A pod that needs the token says so in its own manifest."""
    if account.get("automountServiceAccountToken") is not False:
        yield "every pod of it gets its token"
