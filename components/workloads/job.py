"""A workload as a Kubernetes Job. Pure."""

from __future__ import annotations

import math
from typing import Any, Final

from components.kubernetes.hardware_spec import placement
from components.labels import object_labels
from components.vocabulary import HARDWARE_LABEL, KUEUE, QUEUE_LABEL, SIMULATED_SECONDS, WORKLOAD_ACCOUNT
from components.workloads.workload_spec import Site, WorkloadSpec, at_once, seconds_of

__all__ = ["KUEUE_QUEUE_LABEL", "job"]

KUEUE_QUEUE_LABEL: Final = f"{KUEUE}/queue-name"
"""Label: the LocalQueue that Kueue takes a job into."""

_LONGEST_WAIT_S: Final = 7 * 24 * 3600
"""How long a job may wait for nodes, in seconds: Kubernetes counts that into the time of the whole Job."""
_KEPT_S: Final = 7 * 24 * 3600
"""How long a finished job stays to be looked at, in seconds."""


def job(spec: WorkloadSpec, site: Site, *, kueue: bool = False) -> dict[str, Any]:
    """Return the Job, which fits the site (see ``workload_violations``).

    Args:
        spec: the workload.
        site: where it runs.
        kueue: whether its queue is one of Kueue's: it then waits, suspended, until Kueue admits it.
    """
    profile = site.profiles[spec.profile]
    labels = object_labels(name=spec.name, component="workload", environment=site.environment, owner=spec.owner)
    labels |= {QUEUE_LABEL: spec.queue, HARDWARE_LABEL: spec.profile}
    count, together = max(spec.tasks, spec.array), at_once(spec, profile)
    rounds = math.ceil(count / together)
    metadata: dict[str, Any] = {"labels": labels}
    if spec.simulated_time:
        metadata["annotations"] = {SIMULATED_SECONDS: str(seconds_of(spec.simulated_time))}
    content: dict[str, Any] = {
        "activeDeadlineSeconds": _LONGEST_WAIT_S + rounds * spec.seconds * (spec.retries + 1),
        "ttlSecondsAfterFinished": _KEPT_S,
        "completions": count,
        "parallelism": together,
        "template": {"metadata": metadata, "spec": _pod(spec, site)},
    }
    if count > 1:
        # A run of an array fails for itself; tasks of one job need each other, and fail together.
        content["completionMode"] = "Indexed"
    content |= {"backoffLimitPerIndex": spec.retries} if spec.array > 1 else {"backoffLimit": spec.retries}
    if kueue:
        content["suspend"] = True
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": spec.name,
            "namespace": site.namespace,
            "labels": labels | ({KUEUE_QUEUE_LABEL: spec.queue} if kueue else {}),
        },
        "spec": content,
    }


def _pod(spec: WorkloadSpec, site: Site) -> dict[str, Any]:
    place = placement(spec.profile, site.profiles[spec.profile], site.environment)
    resources = {"cpu": str(spec.cores), "memory": spec.memory}
    if spec.accelerators and place.accelerator:
        resources[place.accelerator] = str(spec.accelerators)
    container = {
        "name": "workload",
        "image": spec.image,
        "command": [_literal(each) for each in spec.command],
        "env": [{"name": name, "value": _literal(value)} for name, value in {"TMPDIR": "/tmp", **spec.env}.items()],  # noqa: S108
        "resources": {"requests": dict(resources), "limits": dict(resources)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108 - in the container
    }
    return {
        "restartPolicy": "Never",
        # From when it has a node: waiting is not running.
        "activeDeadlineSeconds": spec.seconds,
        "serviceAccountName": WORKLOAD_ACCOUNT,
        "automountServiceAccountToken": False,
        "priorityClassName": place.priority_class,
        "nodeSelector": dict(place.node_selector),
        "tolerations": [dict(each) for each in place.tolerations],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }


def _literal(text: str) -> str:
    """Kubernetes expands ``$(NAME)``, and reads a doubled dollar as one."""
    return text.replace("$", "$$")
