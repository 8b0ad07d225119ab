"""Kubernetes: pods and their containers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from components.invariants.violation import Data, invariant
from components.invariants.wording import is_secret_name

__all__ = [
    "container_drops_capabilities",
    "container_environment_holds_no_secret",
    "container_gains_no_privileges",
    "container_has_limits",
    "container_is_not_privileged",
    "container_is_not_root",
    "container_is_probed",
    "container_masks_proc",
    "container_root_is_read_only",
    "container_takes_no_host_port",
    "container_uses_seccomp",
    "image_has_a_digest",
    "image_has_a_registry",
    "image_has_a_version",
    "job_ends",
    "pod_mounts_no_token",
    "pod_sets_safe_sysctls",
    "pod_shares_no_namespace_of_its_node",
    "pod_volume_is_no_host_path",
]

_DIGEST: Final = re.compile(r".+@sha256:[0-9a-f]{64}")
_FLOATING: Final = frozenset({"latest", "stable", "main", "master", "edge", "nightly", "dev"})
_HARMLESS_CAPABILITIES: Final = frozenset({"NET_BIND_SERVICE"})
_SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""What the baseline Pod Security Standard allows."""


def _security(part: Data) -> Data:
    context: Data = part.get("securityContext") or {}
    return context


def _tag(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[2]


def _floats(tag: str) -> bool:
    """Whether a tag moves: the rule about versions refuses it, whatever the environment."""
    return not tag or tag in _FLOATING


@invariant("An image is named with a version.", "Use a version's tag, or better a digest.")
def image_has_a_version(image: str) -> Iterator[str]:
    """What ran yesterday runs today."""
    tag = _tag(image)
    if not _DIGEST.fullmatch(image) and _floats(tag):
        yield f"the tag of {image} is '{tag}'" if tag else f"{image} has no tag"


@invariant("An image is named by its digest.", "Use name@sha256:... as the registry prints it after a push.")
def image_has_a_digest(image: str) -> Iterator[str]:
    """Whoever moves a tag does not change production."""
    if not _DIGEST.fullmatch(image) and not _floats(_tag(image)):
        yield f"{image} has no digest"


@invariant("An image is named with its registry.", "Put the registry's host in front of the name.")
def image_has_a_registry(image: str) -> Iterator[str]:
    """Every node fetches the image from the same place, also at a site with mirrors."""
    host, slash, _ = image.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        yield f"{image} names no registry"


@invariant(
    "A container says what it needs and has a limit.", "Set requests and limits of cpu and memory under resources."
)
def container_has_limits(container: Data) -> Iterator[str]:
    """One container does not starve the others of its node."""
    resources = container.get("resources") or {}
    for group in ("requests", "limits"):
        given = resources.get(group) or {}
        yield from (f"it has no {group}.{each}" for each in ("cpu", "memory") if each not in given)


@invariant("A container does not run as root.", "Set runAsNonRoot to true, and runAsUser to another user than 0.")
def container_is_not_root(container: Data, pod: Data) -> Iterator[str]:
    """Who leaves the container is nobody on the node."""
    own, shared = _security(container), _security(pod)
    user = own["runAsUser"] if own.get("runAsUser") is not None else shared.get("runAsUser")
    if user == 0:
        yield "its user is 0"
        return
    non_root = own["runAsNonRoot"] if own.get("runAsNonRoot") is not None else shared.get("runAsNonRoot")
    if non_root is not True:
        yield "it may run as root"


@invariant("A container is not privileged.", "Leave out privileged.")
def container_is_not_privileged(container: Data) -> Iterator[str]:
    """A privileged container is the node."""
    if _security(container).get("privileged"):
        yield "it is privileged"


@invariant("A container gains no privileges.", "Set allowPrivilegeEscalation to false.")
def container_gains_no_privileges(container: Data) -> Iterator[str]:
    """A set-user-id program stays powerless."""
    if _security(container).get("allowPrivilegeEscalation") is not False:
        yield "it may gain privileges"


@invariant("A container drops all capabilities.", "Set capabilities.drop to [ALL], and add at most NET_BIND_SERVICE.")
def container_drops_capabilities(container: Data) -> Iterator[str]:
    """The kernel refuses what the program never needs."""
    capabilities = _security(container).get("capabilities") or {}
    if "ALL" not in list(capabilities.get("drop") or ()):
        yield "it does not drop ALL"
    yield from (f"it adds {each}" for each in capabilities.get("add") or () if each not in _HARMLESS_CAPABILITIES)


@invariant(
    "A container's own files are read-only.", "Set readOnlyRootFilesystem to true, and mount an emptyDir to write to."
)
def container_root_is_read_only(container: Data) -> Iterator[str]:
    """What breaks in cannot install itself."""
    if _security(container).get("readOnlyRootFilesystem") is not True:
        yield "its root file system is writable"


@invariant("A container's system calls are filtered.", "Set seccompProfile.type to RuntimeDefault.")
def container_uses_seccomp(container: Data, pod: Data) -> Iterator[str]:
    """The kernel's rarely used doors are closed."""
    own, shared = _security(container).get("seccompProfile"), _security(pod).get("seccompProfile")
    profile = (own or shared or {}).get("type")
    if profile not in {"RuntimeDefault", "Localhost"}:
        yield f"its seccomp profile is {profile}" if profile else "it has no seccomp profile"


@invariant("A container sees a masked /proc.", "Leave out procMount.")
def container_masks_proc(container: Data) -> Iterator[str]:
    """The kernel's settings are out of sight."""
    if _security(container).get("procMount") not in {None, "Default"}:
        yield "its /proc is unmasked"


@invariant("A container takes no port of its node.", "Leave out hostPort, and use a service.")
def container_takes_no_host_port(container: Data) -> Iterator[str]:
    """A port of the node goes around the network policies."""
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"it takes port {port['hostPort']:.0f} of its node"


@invariant("A container reads its secrets from a secret.", "Use valueFrom.secretKeyRef, or mount the secret as a file.")
def container_environment_holds_no_secret(container: Data) -> Iterator[str]:
    """Whoever may list pods is not meant to read secrets."""
    for variable in container.get("env") or ():
        if is_secret_name(variable.get("name") or "") and variable.get("value"):
            yield f"{variable['name']} is written in the manifest"


@invariant("A service's container tells when it is ready.", "Add a readinessProbe.")
def container_is_probed(container: Data) -> Iterator[str]:
    """A rollout of what does not start stops before the last good pod is gone."""
    if not container.get("readinessProbe"):
        yield "it has no readinessProbe"


@invariant("A pod shares no namespace of its node.", "Leave out hostNetwork, hostPID and hostIPC.")
def pod_shares_no_namespace_of_its_node(setting: Data) -> Iterator[str]:
    """A pod sees neither the node's processes nor its network."""
    yield from (f"{name} is on" for name, on in setting.items() if on)


@invariant("A pod mounts no directory of its node.", "Use a volume claim, a ConfigMap or an emptyDir.")
def pod_volume_is_no_host_path(volume: Data) -> Iterator[str]:
    """A directory of the node is a way out of the container."""
    if volume.get("hostPath"):
        yield f"volume {volume.get('name')} is a hostPath"


@invariant("A pod that does not speak to Kubernetes has no token for it.", "Set automountServiceAccountToken to false.")
def pod_mounts_no_token(pod: Data) -> Iterator[str]:
    """A token is there where somebody decided so, for an account with just the rights needed."""
    default_account = (pod.get("serviceAccountName") or "default") == "default"
    if pod.get("automountServiceAccountToken") is not False and default_account:
        yield "it mounts the token of the default account"


@invariant(
    "A pod sets kernel parameters of its own alone.", "Leave the parameter out, or let the site set it on the node."
)
def pod_sets_safe_sysctls(parameter: Data) -> Iterator[str]:
    """A kernel parameter of the node is everybody's."""
    if parameter.get("name") not in _SAFE_SYSCTLS:
        yield f"it sets {parameter.get('name')}"


@invariant("A job ends.", "Set activeDeadlineSeconds.")
def job_ends(job: Data) -> Iterator[str]:
    """A job that hangs gives its node back."""
    if not job.get("activeDeadlineSeconds"):
        yield "it may run for ever"
